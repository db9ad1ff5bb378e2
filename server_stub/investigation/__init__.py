"""Statistics over activations."""
