"""The contract between a device and the verdict server: messages, codes, limits, media types.

Declarations only. The agent and the server share this package and no other.
"""
