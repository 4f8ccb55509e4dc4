"""Scripts that run the large counts in full and write what they found to docs/evidence/."""
