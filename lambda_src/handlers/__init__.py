"""The entry points that Lambda calls."""
