"""Mutation testing of the scenario library: see docs/adr/0142-each-scenario-has-a-witness.md."""
