"""The store against a real Postgres: what the schema itself holds, and what survives concurrency."""
