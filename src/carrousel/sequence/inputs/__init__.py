"""What people have (arrays, lists, tables, texts) as ragged rows."""
