"""Scripts that ask helm itself and record its answers for the unit tests, which then need no helm."""
