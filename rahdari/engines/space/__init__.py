"""Space: what a low-orbit satellite service could give each place."""
