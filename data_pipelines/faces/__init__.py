"""Faces of clips: found, followed, cut out of every rung with one box, isolated (the patent's FIG. 3)."""
