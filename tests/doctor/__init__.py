"""What the doctor makes of what it finds: pure functions over facts. It is run in ``tests/processes``."""
