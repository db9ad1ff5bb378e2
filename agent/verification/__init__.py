"""Verification of verdicts: pure functions over `cryptography` and the wire contract.

`keyset` holds the keys, `jws` takes steps 1 to 7, `verdict` steps 8 to 14, `errors` names every refusal, and `accepted`
has the types of the claims that passed.
"""
