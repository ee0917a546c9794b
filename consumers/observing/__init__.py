"""``metriport-ias observe``: what the vendor really sends, as shapes, beside what is assumed of it.

What lives here
    ``collecting`` (shapes of the raw webhooks' topic and of ``SHAPES_FOLDER``), ``report`` (what was seen,
    what differs, which assumptions were not met with yet), ``tool`` (the command line).

What must not
    No value: a webhook is opened, verified, turned into its shape and forgotten. Nothing is asked of the
    vendor, nothing is written.

Where data goes
    ``metriport.webhooks.v1``, files of ``service.telemetry.shapes`` → ``service.assumed`` → stdout.
"""
