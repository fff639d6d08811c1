"""`python -m data_pipelines.faces.fetch`: puts the face detector's model into the cache, where it is missing."""

from __future__ import annotations

import sys

from data_pipelines.faces.model import cached_model, fetch, is_cached
from mrsr.errors import RunError


def main() -> int:
    """Tells where the model is; the exit status is 1 where it cannot be had."""
    try:
        path = cached_model() if is_cached() else fetch()
    except (RunError, OSError) as error:
        print(f"{' '.join(str(error).split())} (only mrsr data faces needs it)", file=sys.stderr)
        return 1
    print(f"face model: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
