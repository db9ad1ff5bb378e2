"""Attacks on verdict tokens: claims, form, header, payload and signature."""
