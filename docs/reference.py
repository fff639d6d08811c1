"""Writes the API reference, docs/api, from the docstrings: `make docs`. A warning is an error."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("mrsr", "data_pipelines", "experiments", "launch")


def main(output: Path) -> None:
    """Writes the pages into a folder, which is replaced."""
    import pdoc

    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    sys.path.insert(0, str(ROOT))
    warnings.simplefilter("error")
    # Constructors that Python makes of a NamedTuple or a dataclass carry annotations without the module they are of.
    warnings.filterwarnings("ignore", "Error parsing type annotation .*", UserWarning)
    pdoc.render.configure(docformat="google", show_source=False, search=True)
    shutil.rmtree(output, ignore_errors=True)
    pdoc.pdoc(*PACKAGES, output_directory=output)
    print(f"{output / 'index.html'}: {sum(1 for _ in output.rglob('*.html'))} pages")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "api")
