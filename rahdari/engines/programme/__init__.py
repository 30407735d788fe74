"""Every claim of the programme beside our own figure, with a verdict that follows from a stated rule."""
