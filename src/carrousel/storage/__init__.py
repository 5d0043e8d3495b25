"""Files that are written whole or not at all, and nothing of which runs when they are read."""
