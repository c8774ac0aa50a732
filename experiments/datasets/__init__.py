"""The datasets: which there are, where they come from, and reading them."""
