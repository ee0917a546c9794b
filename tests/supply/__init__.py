"""What the image is made of, told and looked up: ``make sbom`` and ``make audit``.

What lives here
    ``sbom`` (every pinned package as CycloneDX) and ``audit`` (which of them have known weaknesses).
    Both run tools that have an environment of their own, and judge what these say.

What must not
    Nothing that the service imports, and no list of packages: that is ``requirements.txt``.

Where data goes
    In: ``requirements.txt``. Out: ``build/sbom.cdx.json``, and what a person reads.
"""
