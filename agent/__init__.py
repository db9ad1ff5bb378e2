"""What runs on the phone: the machine, the verifier, the modem dialogue, the screens, and the loop that drives them."""
