"""A scrubber of what is or was recorded: its replay, the gaps on its track, the events it jumps to."""
