"""The network: a window of values in, quantiles of what follows out."""
