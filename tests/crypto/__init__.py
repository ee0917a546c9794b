"""Keys, boxes and tokens: what opens where, and what does not."""
