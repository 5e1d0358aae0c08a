"""A recording as a handle: its inputs feed a model again, at any speed, from any moment."""
