"""Edge: where computing near the user stands, and what it serves along motorways and in cities."""
