"""Whole simulations: devices, servers and virtual time, the matrix and the stories of the demo."""
