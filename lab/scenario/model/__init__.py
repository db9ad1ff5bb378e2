"""The words of a scenario file, as models. The published JSON Schema and the reference are generated from them."""
