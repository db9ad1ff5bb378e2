"""A proxy on real sockets that injects network faults between a device and its server."""
