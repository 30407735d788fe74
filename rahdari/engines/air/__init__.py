"""Air: which people a drone can watch in a flood, from one base in each district."""
