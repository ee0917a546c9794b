"""Relay, publisher, subscription and topics; the broker is real where its behaviour matters."""
