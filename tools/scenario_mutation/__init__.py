"""Mutation testing of the scenario library: see docs/adr/27-mutation-and-fuzzing.md."""
