"""What an answer relied on, and when it was decided."""
