"""One file for each thing that can be replaced; ``python -m experiments.examples.source`` runs."""
