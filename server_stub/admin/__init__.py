"""Administration of a running server, without HTTP: tokens, devices, keys, policies, faults. Writes are audited."""
