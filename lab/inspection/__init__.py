"""Reports on the verification of tokens and attestation: `activation verify` and `activation appraise`."""
