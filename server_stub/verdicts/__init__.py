"""Evidence in, signed verdict out."""
