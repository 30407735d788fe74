"""Which technology serves each place, and the fibre that reaches it, chosen together with a proof."""
