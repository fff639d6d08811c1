"""The forms of an exported directory and the runtimes that run them (none is imported before it is opened)."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mrsr.errors import UserError
from mrsr.inference.runtime import Runtime
from mrsr.manifest import Manifest, check_files

PRECISIONS = {
    "saved_model": "float32",
    "onnx/float32": "float32",
    "onnx/float16": "float16",
    "onnx/int8": "int8",
}
"""The precision of each form."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A runtime of exported directories.

    Attributes:
      package: the module it needs, of the extra `export`.
      forms: that it runs, those of `PRECISIONS`, the first of a directory being taken.
      opened: the runtime on a form of a directory: `(manifest, folder, form)`.
    """

    package: str
    forms: tuple[str, ...]
    opened: Callable[[Manifest, Path, str], Runtime]


def _openvino(manifest: Manifest, folder: Path, form: str) -> Runtime:
    from mrsr.inference.openvino_runtime import OpenVinoRuntime

    return OpenVinoRuntime(manifest, folder, form)


def _onnxruntime(manifest: Manifest, folder: Path, form: str) -> Runtime:
    from mrsr.inference.onnx_runtime import OnnxRuntime

    return OnnxRuntime(manifest, folder, form)


def _saved_model(manifest: Manifest, folder: Path, form: str) -> Runtime:
    from mrsr.inference.saved_model_runtime import SavedModelRuntime

    del form
    return SavedModelRuntime(manifest, folder)


ENTRIES = {
    "openvino": Entry("openvino", ("onnx/int8", "onnx/float32", "onnx/float16"), _openvino),
    "onnxruntime": Entry("onnxruntime", ("onnx/float32", "onnx/float16"), _onnxruntime),
    "saved_model": Entry("tensorflow", ("saved_model",), _saved_model),
}
"""By the name of `--runtime`, in the order they are chosen from.

Whoever exports int8 wants its speed, so OpenVINO takes it before float32. ONNX Runtime computes such graphs in float32
and is slower for it.
"""

PACKAGES = {name: entry.package for name, entry in ENTRIES.items()}
"""What each runtime needs."""

RUNTIMES_OF = {form: tuple(name for name, entry in ENTRIES.items() if form in entry.forms) for form in PRECISIONS}
"""The runtimes that run each form."""


def open_form(name: str, form: str, manifest: Manifest, folder: Path) -> Runtime:
    """A runtime on one form of an exported directory; its files are not checked.

    Args:
      name: of `ENTRIES`.
      form: one it runs.
      manifest: of the directory.
      folder: the directory.
    """
    return ENTRIES[name].opened(manifest, folder, form)


def open_exported(name: str, manifest: Manifest, folder: Path) -> Runtime:
    """A runtime on an exported directory, on its first form it can run; the files of the form are checked.

    Raises:
      UserError: the directory holds no form it runs, its package is missing, or a file is damaged.
    """
    forms = [form for form in ENTRIES[name].forms if form in manifest.forms()]
    if not forms:
        held = ", ".join(manifest.forms()) or "none"
        raise UserError(f"--runtime {name}: {folder} holds no form it runs ({held}); export it with --forms")
    if not installed(name):
        raise UserError(f"--runtime {name}: expected {PACKAGES[name]}, of the extra export: pip install 'mrsr[export]'")
    check_files(manifest, folder, (forms[0],))
    return open_form(name, forms[0], manifest, folder)


def installed(name: str) -> bool:
    """Whether what a runtime needs is installed."""
    return importlib.util.find_spec(PACKAGES[name]) is not None
