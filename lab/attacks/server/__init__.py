"""Attacks on the server: attestation chains, evidence, the key repository and the transport."""
