"""The generator: encoders, RRDB stages with ConvGRUs and decoders at every rung, its state and its frame step."""
