"""Which webhook belongs to which request: every way alone, each with a foreign one beside it."""
