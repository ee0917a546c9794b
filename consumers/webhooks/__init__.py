"""One handler for each family of webhooks that changes our state. Others are for other readers."""
