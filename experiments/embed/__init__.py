"""The embedding stage: speed, accuracy, precision, and what a GPU makes of it."""
