"""What can be kept of the model: its inputs, and the whole of its state at one moment."""
