"""One handler for each thing that a person's browser does."""
