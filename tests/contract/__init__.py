"""The contract: generated documents, CloudEvents, decoding, and samples that must stay readable.

``asyncapi/`` holds AsyncAPI's own parser for ``make check-asyncapi``; ``data/`` its JSON Schema;
``samples/`` one recorded message of each kind and version, written once and never changed.
"""
