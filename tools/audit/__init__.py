"""What the locked requirements are, and which of them have known vulnerabilities."""
