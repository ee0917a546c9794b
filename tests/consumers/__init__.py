"""The processor with a real Postgres: authenticity, faults, and every webhook sample."""
