"""``service.testing``: the double keeps the contract, and tells the same story as the service."""
