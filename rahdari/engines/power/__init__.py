"""Power: how long sites stay dark when the grid sheds load, and what their generators burn."""
