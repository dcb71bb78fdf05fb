"""What a report of a bundle holds: calibration, outliers, pointing game, errors, as figures and as one page."""
