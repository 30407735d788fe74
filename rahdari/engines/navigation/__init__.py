"""Navigation: how well BeiDou positions a receiver along the corridor."""
