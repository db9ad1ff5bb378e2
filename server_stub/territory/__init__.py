"""Where a device is, judged from its signals."""
