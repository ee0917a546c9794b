"""The circuit breaker: its rule, and replicas that share it."""
