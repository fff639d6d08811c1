"""Makes a worker's encoder raise once whenever a file appears: Python imports this module by itself at its start."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

_MODULE = "mrsr.streaming.encoder"


class _Finder:
    """Lets the encoder's module load as ever, then puts a failing `encode` before its own."""

    def find_spec(self, name: str, *_: Any) -> Any:
        if name != _MODULE:
            return None
        sys.meta_path.remove(self)
        import importlib.util

        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        run = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            run(module)
            _break(module.VideoEncoder, Path(os.environ["MRSR_BENCHMARK_FAILS"]))

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _break(encoder: Any, flag: Path) -> None:
    encode = encoder.encode

    def failing(self: Any, *args: Any, **options: Any) -> Any:
        if flag.exists():
            flag.unlink(missing_ok=True)
            raise ValueError("an encoder that fails for a benchmark")
        return encode(self, *args, **options)

    encoder.encode = failing


if "MRSR_BENCHMARK_FAILS" in os.environ:
    sys.meta_path.insert(0, _Finder())
