"""Secrets at rest and on the way: dumps, moved ciphertexts, and the rotation of keys (I7)."""
