"""Record requests: looked at in their subject's transaction until each waits for something or has ended.

``advancing`` looks, decides with ``service.ias.record_request_steps`` and says what changed;
``starting`` carries out what is started, ``closing`` stops what an end leaves over; ``runner`` finds the
requests to look at, in any number of replicas.
"""
