"""The audit: nothing is changed unseen, nothing is left out, and nobody can be found in it who was erased.

What lives here
    The chain as values (``test_chain``), who may write (``test_rights``), what is recorded
    (``test_recording``), the sealer (``test_sealer``, ``test_months``), tampering behind the service's
    back (``test_tampering``), the command line (``test_tool``), FHIR (``test_fhir``).
"""
