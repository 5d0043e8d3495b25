"""What a forecast relied on."""
