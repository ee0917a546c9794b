"""Metriport's own words: webhook bodies and API bodies, as far as we read or write them.

Tolerant on the way in: unknown fields are skipped, every field that we can live without is optional.
Exact on the way out: a request holds what the documentation names and nothing else. Rules about what
these bodies *mean* do not live here but in ``service.ias`` and ``service.gateway.protocol``.
"""
