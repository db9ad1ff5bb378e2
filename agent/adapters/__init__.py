"""All I/O of the device side, one file a port."""
