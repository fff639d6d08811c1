"""Video files and streams through PyAV, and nowhere else: decoding, encoding, timestamps, codec round trips, cuts."""
