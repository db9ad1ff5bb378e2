"""Servers that the lab starts: in process, over HTTP on this machine, or elsewhere."""
