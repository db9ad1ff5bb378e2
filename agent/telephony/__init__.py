"""What the agent asks a modem, and what it makes of the answers: AT dialogue and SIM file parsers, without I/O."""
