"""Schemas of the operators' resources, taken from their CustomResourceDefinitions; see README.md.

Here live the schemas and what makes them strict; no manifest of ours, and no check of one.
"""
