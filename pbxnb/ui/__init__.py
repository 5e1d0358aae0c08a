"""The UI lane: one thread writes all widgets; pacing of what it sends; what a panel may ask of a handle."""
