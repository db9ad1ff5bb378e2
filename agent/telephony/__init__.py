"""Reads SIMs and network from a modem: AT commands, the dialogue and parsers of SIM files. No I/O of its own."""
