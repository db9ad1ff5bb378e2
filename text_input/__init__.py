"""Helpers for error messages about text that a person wrote: nearest words, and line numbers in TOML."""
