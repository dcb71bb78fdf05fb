"""What can go wrong in training: one exception, always with the constraint, the value and the choices in words."""


class TrainingError(Exception):
    """Training cannot go on; the message says why and what would do."""
