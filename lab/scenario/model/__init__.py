"""Models of the members of scenario files. The published JSON Schema and the reference are generated from them."""
