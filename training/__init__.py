"""Phantoms, SimCLR, fine-tuning, calibration, evaluation and export of the model bundle."""
