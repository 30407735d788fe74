"""The order in which districts are built, year by year, under a pace, and the people that it takes."""
