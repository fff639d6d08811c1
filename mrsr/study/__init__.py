"""Studies: variants of a config trained with several seeds, measured alike, and shown on one page."""
