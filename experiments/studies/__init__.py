"""Studies: files whose `get_study()` says what is compared, on what, and at what budget."""
