"""The dispatcher with a real Postgres against the double: what goes out, and what its outcome means."""
