"""A trained network at work on video: models by name, the runtime, upscaling of files, speed."""
