"""Readers, writers and exporters for streamml."""
