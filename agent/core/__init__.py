"""The lockout machine: states, events, effects, literal tables and `step`. Pure: stdlib and `wire` only."""
