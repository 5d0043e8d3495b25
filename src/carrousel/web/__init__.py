"""The explorer: a web page in which anyone can watch the memory work."""
