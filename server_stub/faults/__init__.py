"""The catalogue of faults on the wire, and how each changes a response. The server, the proxy and scenarios use it."""
