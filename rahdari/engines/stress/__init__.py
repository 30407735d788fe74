"""How often service fails in each place, and how well the model replays published failures."""
