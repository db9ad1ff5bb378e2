"""Android key attestation: parses chains and key descriptions, and appraises them."""
