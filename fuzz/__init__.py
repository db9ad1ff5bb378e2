"""Coverage-guided fuzzing of the readers of untrusted bytes: harnesses, seeds and the corpus."""
