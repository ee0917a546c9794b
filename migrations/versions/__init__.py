"""Alembic revisions, one a migration; the SQL itself is under ``migrations/sql``."""
