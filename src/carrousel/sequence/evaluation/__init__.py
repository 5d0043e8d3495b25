"""How good the answers are: figures, tables, pictures and a page."""
