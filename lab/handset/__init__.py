"""One emulated phone: its modem, SIMs, keystore, counter and screen."""
