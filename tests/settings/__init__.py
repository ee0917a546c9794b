"""Settings: read once, all problems at once, no values in any text."""
