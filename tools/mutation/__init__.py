"""Mutation testing of the verifier, the sealing and the key source: see docs/security/fuzzing.md."""
