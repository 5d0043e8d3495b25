"""Several networks from one panel: what they learn from, where they start, when they stop."""
