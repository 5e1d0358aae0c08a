"""How the model is written: one snapshot in the making, and the only writer of the store."""
