"""Model checker: explores every reachable state of the agent with its environment, and of mutated agents."""
