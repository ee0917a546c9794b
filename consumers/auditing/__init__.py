"""The audit's own work: the sealer, the check, and the export.

What lives here
    ``sealer`` (numbers and chains what was recorded, signs and publishes heads, closes months),
    ``verification`` (reads a chain and says where it is broken), ``summary`` (what that
    found, for a person and a program), ``published`` (heads from a file or
    from Kafka), ``fhir`` (entries as FHIR AuditEvent), ``tool`` (``metriport-ias audit …``).

What must not
    No entry is written here: whoever writes an effect records it, through ``service.store.audit``.
"""
