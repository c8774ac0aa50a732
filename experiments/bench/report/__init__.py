"""The report of the benchmark: what its results say, as a page and as Markdown."""
