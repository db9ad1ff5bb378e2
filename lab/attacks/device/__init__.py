"""Attacks by the owner of a device: its clock, image and storage."""
