"""The I/O of the agent: implementations of the ports."""
