"""The fictional manufacturer: its keys, its key rotation and its policies."""
