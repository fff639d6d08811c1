"""Training of the generator: state, optimizer, objective, step, devices, and the loop that resumes and stops."""
