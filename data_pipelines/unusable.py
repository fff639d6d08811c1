"""What a source says of a clip that cannot be used: the loader takes the next one in its place."""

from __future__ import annotations

from mrsr.errors import UserError


class UnusableClipError(UserError):
    """One clip is damaged, too small or too short; others of its source may not be."""
