"""Step-by-step reports on tokens and attestation: `activation verify` and `activation appraise`."""
