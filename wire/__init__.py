"""The contract between a phone and the verdict server: messages, codes, limits, media types.

Declarative only. Both sides import this package and nothing else of each other.
"""
