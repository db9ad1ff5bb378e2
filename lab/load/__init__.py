"""A load of verdict requests on a running server, and what it measures; see `load.LoadTest`."""
