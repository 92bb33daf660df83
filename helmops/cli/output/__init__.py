"""What is shown: PURE functions of the engine's results that return lines, and the few places that write them."""
