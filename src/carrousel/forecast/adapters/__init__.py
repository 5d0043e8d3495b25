"""Forecasters in the manners of other libraries."""
