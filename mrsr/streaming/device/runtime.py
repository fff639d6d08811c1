"""onnxruntime-web in the user's cache: files out of its npm package, which npm fetches and whose digest is known."""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from mrsr.errors import RunError
from mrsr.files import replaced

VERSION = "1.30.0"
INTEGRITY = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""Of the package, as npm and lock files write it."""
WASM, WEBGPU = "ort.wasm.min.mjs", "ort.webgpu.min.mjs"
"""The modules that a page imports: for WebAssembly alone, and for WebGPU as well."""
FILES = (
    WASM,
    "ort-wasm-simd-threaded.mjs",
    "ort-wasm-simd-threaded.wasm",
    WEBGPU,
    "ort-wasm-simd-threaded.asyncify.mjs",
    "ort-wasm-simd-threaded.asyncify.wasm",
)
"""Of the package's `dist`: the two modules and what they load."""

_HOW = "without onnxruntime-web pages enlarge on the server alone"
# Seconds for 33 MB.
_PATIENCE = 300.0


def cache() -> Path:
    """Where files made or fetched at set-up are kept: `mrsr/` in `$XDG_CACHE_HOME` or `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mrsr"


def runtime_folder() -> Path | None:
    """The folder of `FILES`, or None where they are not there."""
    folder = _folder()
    return folder if all((folder / name).is_file() for name in FILES) else None


def fetch_runtime() -> Path:
    """The folder of `FILES`, fetched where it is missing; beside each stands the same compressed, as servers send it.

    Raises:
      RunError: there is no npm, it cannot fetch the package, or what it fetches is another one.
    """
    return runtime_folder() or _extracted(_packed())


def _folder() -> Path:
    return cache() / f"onnxruntime-web-{VERSION}"


def _packed() -> bytes:
    """The package, by npm, from the registry, proxy or mirror that npm is set to."""
    npm = shutil.which("npm")
    if npm is None:
        raise RunError(f"onnxruntime-web: npm is not installed; {_HOW}")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", f"onnxruntime-web@{VERSION}", "--silent", "--pack-destination", folder]
        try:
            done = subprocess.run(
                command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PATIENCE
            )
        except subprocess.TimeoutExpired:
            raise RunError(f"onnxruntime-web: npm took over {_PATIENCE:.0f} s to fetch it; {_HOW}") from None
        archives = sorted(Path(folder).glob("*.tgz"))
        if done.returncode or not archives:
            # Their text may name hosts and paths of this machine: npm's code is enough.
            codes = [line.split()[-1] for line in done.stderr.splitlines() if " code " in line] or ["no reason given"]
            raise RunError(f"onnxruntime-web: npm could not fetch version {VERSION} ({codes[0]}); {_HOW}")
        data = archives[0].read_bytes()
    found = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    if found != INTEGRITY:
        raise RunError(f"onnxruntime-web: its package has the digest {found}; expected {INTEGRITY}")
    return data


def _extracted(package: bytes) -> Path:
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile() as file:
        file.write(package)
        file.seek(0)
        with tarfile.open(fileobj=file, mode="r:gz") as archive:
            for name in FILES:
                member = archive.extractfile(f"package/dist/{name}")
                if member is None:
                    raise RunError(f"onnxruntime-web: its package does not hold dist/{name}; {_HOW}")
                data = member.read()
                for path, content in ((folder / f"{name}.gz", gzip.compress(data, 6)), (folder / name, data)):
                    with replaced(path) as beside:
                        beside.write_bytes(content)
    return folder
