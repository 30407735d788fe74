"""Fictional protected pairs: whether a second way exists, and what encryption leaves of the line."""
