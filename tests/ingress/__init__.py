"""The public side of the ingress: real requests, a real broker, and the records that are there after.

``running`` starts an ingress as its process does, with a fake lookup of hosted pages; ``tap`` reads
back what was published; ``opening`` opens and verifies it with keys that the ingress does not have;
``vendor`` signs as Metriport does, with code of its own; ``raw`` sends bytes that no HTTP client would.
"""
