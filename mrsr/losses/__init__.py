"""What the generator is trained on, one function a term."""
