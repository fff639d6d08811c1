"""Experiments: files whose `get_config()` says all that a training run depends on."""
