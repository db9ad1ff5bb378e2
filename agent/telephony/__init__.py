"""Reads SIMs and network from a modem: AT commands, the dialogue and parsers of SIM files. It does no I/O itself."""
