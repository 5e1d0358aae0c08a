"""How a handle is shown: the panels it makes, what they may ask of it, and its own line in a notebook."""
