"""Writes the contract down for people and tools that do not read Python.

What lives here
    ``python -m schemas.generate`` writes ``asyncapi.json``, ``openapi.json``, ``REASONS.md`` and
    ``jsonschema/*.json`` beside the types they come from; ``--check`` says which of them drifted.

What must not
    Knowledge that is not in the types: a field, a topic or a reason is changed in ``schemas`` and
    generated again. Only words about the whole (operations, routes, examples) are written here.

Where data goes
    ``catalogue`` lists the messages; ``components`` turns Structs into JSON Schema; ``asyncapi``,
    ``openapi``, ``jsonschema`` and ``reasons`` each build one document from these; ``files`` knows
    where documents stand on disk.
"""
