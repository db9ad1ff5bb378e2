"""Limits on requests and connections: size, rate, time and number."""
