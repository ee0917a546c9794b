"""Sealing, MACs, envelope encryption and tokens: thin, named uses of ``cryptography``.

What lives here
    ``sealing`` (HPKE to a public key: the ingress can seal and cannot open), ``mac`` (callbacks),
    ``envelope`` (AES-256-GCM under a subject's data key, bound to table, column and row), ``tokens``
    (what a browser carries: link tokens and cookies), ``keys`` (key rings and key ids).

What must not
    No I/O, no clock, no settings. Nothing here decides who may do what. No exception text carries a
    key, a plaintext or a token.
"""
