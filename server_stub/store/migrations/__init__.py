"""The schema's history. Each migration says what it does by itself and imports nothing that may change later."""
