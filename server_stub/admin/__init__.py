"""What operators do with a running server, without HTTP: tokens, devices, keys, faults. Each write is audited."""
