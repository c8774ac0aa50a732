"""Drift: streams with known ones, alarms and recovery."""
