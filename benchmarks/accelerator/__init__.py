"""Training on a machine with an accelerator that is at hand for minutes, and has neither a network nor PyAV."""
