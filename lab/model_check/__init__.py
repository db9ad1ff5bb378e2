"""Exhaustive exploration of the agent with everything around it, and the defects that it must find."""
