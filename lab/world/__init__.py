"""The emulated world: clock, seed, places, operators, radio, SIM cards and network."""
