"""What a frame is measured by."""
