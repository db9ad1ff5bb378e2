"""Verification of verdicts: pure functions over `cryptography` and the wire contract.

`keyset` has the keys, `jws` steps 1 to 7, `verdict` steps 8 to 14, and `errors` the codes.
"""
