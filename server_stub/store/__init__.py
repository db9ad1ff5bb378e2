"""What the server remembers: devices, verdicts, spent nonces."""
