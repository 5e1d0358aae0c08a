"""The notebook's handle: `Pbx`, its threads, its registry, events, waiting, commands. What a cell touches first."""
