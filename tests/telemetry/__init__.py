"""Logs that tell enough to find a fault and nothing that must not be told."""
