"""A forecaster on disk: what is written, and what is checked when it is read."""
