"""The emulated modem: commands, registration, state and the pseudo-terminal."""
