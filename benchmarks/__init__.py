"""Measured comparisons and runs on borrowed hardware; no part of the library or of its tests."""
