"""Video files and streams through PyAV, and nowhere else: decoding, encoding, timestamps, codec round trips, cuts."""

VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".264")
"""Endings of what is a video in a folder. Kept where nothing imports PyAV: its users load it when they open a file."""
