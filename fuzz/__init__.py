"""Coverage-guided fuzzing of what reads untrusted octets: harnesses, seeds and the corpus that was found."""
