"""What the inputs of a training clip go through: focus, light, noise, JPEG and the codecs of calls."""

from data_pipelines.degradations.compose import degrade

__all__ = ["degrade"]
