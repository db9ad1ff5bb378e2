"""Scenarios: files with steps and expectations, run on emulated devices and the real server."""
