"""An on-line forest of extremely randomised trees."""
