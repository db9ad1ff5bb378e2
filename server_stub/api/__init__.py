"""The verdict service over HTTP."""
