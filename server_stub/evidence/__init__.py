"""Evidence tokens: strict parsing, nonces and pseudonyms."""
