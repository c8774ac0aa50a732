"""Measurements of streamml, run from a checkout: ``python -m experiments.NAME``."""
