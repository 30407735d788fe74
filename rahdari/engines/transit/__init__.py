"""Transit of foreign traffic across the country: round trips, capacity, price ranges and revenue."""
