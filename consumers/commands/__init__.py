"""One handler a command: load, decide with ``service.ias``, store, outbox. ``answers`` says no."""
