"""Radio: who is covered by 4G and 5G, at what busy-hour rate, and which microwave hops feed the sites."""
