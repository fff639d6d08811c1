"""`python -m mrsr.streaming.device.fetch`: into the cache, what browsers enlarge with, if missing."""

from __future__ import annotations

import sys

from mrsr.errors import RunError
from mrsr.streaming.device.graphs import make_graphs
from mrsr.streaming.device.runtime import fetch_runtime


def main() -> int:
    """Tells where they are; the exit status is 1 where they cannot be had."""
    try:
        runtime = fetch_runtime()
        graphs = make_graphs()
    except (RunError, OSError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 1
    print(f"for browsers: {runtime} and {graphs}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
