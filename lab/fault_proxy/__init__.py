"""A hostile network on real sockets: what can go wrong between a phone and its server, done to both on purpose."""
