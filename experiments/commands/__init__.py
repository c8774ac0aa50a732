"""One file a command: ``python -m experiments.NAME`` runs ``NAME.py``, which names its room."""
