"""Files that an operator provides: time zones, territories, address ranges and the revocation status list."""
