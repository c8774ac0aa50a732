"""The replay benchmark: every learner on every dataset, cell by cell, and its results."""
