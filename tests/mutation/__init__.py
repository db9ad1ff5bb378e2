"""Mutation testing of the code that decides what this phone believes: see docs/security/mutation.md."""
