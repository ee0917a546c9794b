"""Two subjects of one patient against a model, many interleavings, real Postgres, no Kafka, no HTTP.

``truth`` is the model: plain Python that shares no rule with the product. ``vendor`` answers the gateway
in Metriport's place. ``world`` acts on the real handlers and tells the model; ``seeing`` reads what was
told and compares.

``protocol`` is another model: the dispatch of a query alone, small enough to try every order of steps.
"""
