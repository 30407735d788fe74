"""Long-haul routes on the rights of way: length, delay, diversity, availability and optical capacity."""
