"""How many agents, what one more would do, what changed, and which hours are out of the ordinary."""
