"""The proof: what the project promises, run against the real local stack where that matters."""
