"""Order engines, run what has changed, keep the results; executors decide where chunks run."""
