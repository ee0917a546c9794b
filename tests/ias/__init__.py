"""The rules of Individual Access, as tables and properties."""
