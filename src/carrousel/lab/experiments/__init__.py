"""The experiments: each module has ``ABOUT`` and ``run``."""
