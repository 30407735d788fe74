"""An engine in one package, as the contributing guide builds it."""
