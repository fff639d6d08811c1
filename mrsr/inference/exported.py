"""The forms of an exported directory and the runtimes that run them (none is imported before it is opened)."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from mrsr.errors import UserError
from mrsr.inference.runtime import Runtime
from mrsr.manifest import Manifest, check_files

PRECISIONS = {"saved_model": "float32", "onnx/float32": "float32", "onnx/float16": "float16"}
"""The precision of each form."""

RUNTIMES_OF = {
    "saved_model": ("saved_model",),
    "onnx/float32": ("onnxruntime", "openvino"),
    "onnx/float16": ("onnxruntime", "openvino"),
}
"""The runtimes that run each form."""

PACKAGES = {"openvino": "openvino", "onnxruntime": "onnxruntime", "saved_model": "tensorflow"}
"""What each runtime needs, all of the extra `export`; in the order they are chosen from."""


def open_form(name: str, form: str, manifest: Manifest, folder: Path) -> Runtime:
    """A runtime on one form of an exported directory; its files are not checked.

    Args:
      name: `openvino`, `onnxruntime` or `saved_model`.
      form: one it runs.
      manifest: of the directory.
      folder: the directory.
    """
    if name == "openvino":
        from mrsr.inference.openvino_runtime import OpenVinoRuntime

        return OpenVinoRuntime(manifest, folder, form)
    if name == "onnxruntime":
        from mrsr.inference.onnx_runtime import OnnxRuntime

        return OnnxRuntime(manifest, folder, form)
    from mrsr.inference.saved_model_runtime import SavedModelRuntime

    return SavedModelRuntime(manifest, folder)


def open_exported(name: str, manifest: Manifest, folder: Path) -> Runtime:
    """A runtime on an exported directory, on its first form it can run; the files of the form are checked.

    Raises:
      UserError: the directory holds no form it runs, its package is missing, or a file is damaged.
    """
    forms = [form for form in RUNTIMES_OF if name in RUNTIMES_OF[form] and form in manifest.forms()]
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
