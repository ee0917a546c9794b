"""Made-up input by the thousand: no 500, no leak, no hang.

``profiles`` says how much (``HYPOTHESIS_PROFILE=deep`` for a long run); ``server`` runs the ingress with
fake stores beside the tests; ``bodies`` and ``browsers`` make up what it is sent; ``wire`` speaks to it
in bytes, ``mutations`` spoils them; ``document`` reads the ingress's own OpenAPI.
"""
