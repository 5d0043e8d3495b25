"""How sure a forecast is: calibration, doubt where little is known, sample paths."""
