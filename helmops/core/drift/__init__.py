"""PURE: proofs of cleanness, and what is left of a difference that is really ours."""
