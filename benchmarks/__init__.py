"""What helmops costs, held against a bare loop over helm in the same run."""
