"""One emulated phone, part by part."""
