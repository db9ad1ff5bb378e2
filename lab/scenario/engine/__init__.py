"""Runs scenarios: actions, checks, faults and results."""
