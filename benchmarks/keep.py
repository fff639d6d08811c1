"""Keeps the result of a run in a folder small enough to commit: `python -m benchmarks.keep RUN FOLDER`.

The folder is a run folder itself, of parameters alone (bfloat16): `--model FOLDER` and `train.init_from` take it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mrsr.checkpoint import WEIGHTS, load_model, write_weights
from mrsr.config import save_config


def main(run: Path, folder: Path) -> None:
    """Writes `config.json` and `weights.msgpack` of a run's newest averaged parameters."""
    config, params = load_model(run)
    save_config(config, folder)
    write_weights(folder / WEIGHTS, params)
    print(f"{folder}: {(folder / WEIGHTS).stat().st_size:,} bytes of weights")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
