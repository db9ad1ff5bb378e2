"""The fictional phone maker: its keys, its key rotation and its policies."""
