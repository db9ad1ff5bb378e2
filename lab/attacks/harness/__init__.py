"""What attacks are run with: the environment, forged tokens, the interceptor and the rogue server."""
