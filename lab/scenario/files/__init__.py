"""Reads scenario files: discovery, YAML, schema and validation messages."""
