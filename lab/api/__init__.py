"""`/lab/v1`: what developers of a client need of a test server, mounted on it by `activation serve --lab`."""
