"""Time: what is over ends, once, whoever looks and whatever the clocks of processes say."""
