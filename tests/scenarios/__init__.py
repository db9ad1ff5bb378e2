"""Whether the shipped scenarios would notice: agent, server or world is broken, and one of them must fail."""
