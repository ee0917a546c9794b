"""The command line's grammar and help."""
