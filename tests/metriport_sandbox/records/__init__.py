"""The medical records behind the links: synthetic FHIR R4 for the vendor's personas.

`personas` says who has a record, `jane` and `brief` hold what is in it as tables, `fhir`
turns tables into resources, `files` makes the documents, `library` puts it all behind links.
Nothing here is about a real person.
"""
