"""Record requests: one command that runs the whole flow, through handlers, runner and gateway."""
