"""Pure functions on arrays of pixels: resampling, colour, value ranges, JPEG."""
