"""`python -m data_pipelines.faces.fetch`: puts the face detector's models into the cache, where they are missing."""

from __future__ import annotations

import sys

from data_pipelines.faces.model import cached_model, fetch, is_cached
from mrsr.errors import RunError


def main() -> int:
    """Tells where they are; the exit status is 1 where they cannot be had."""
    try:
        path = cached_model() if is_cached() else fetch()
    except (RunError, OSError) as error:
        print(f"{' '.join(str(error).split())} (only mrsr data faces needs it)", file=sys.stderr)
        return 1
    print(f"face models: {path.parent}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
