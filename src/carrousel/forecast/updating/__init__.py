"""Trained forecasters that meet new rows: update, streaming, learning on."""
