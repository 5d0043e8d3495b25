"""One small network that has seen made-up series of every kind, and forecasts real ones at once."""
