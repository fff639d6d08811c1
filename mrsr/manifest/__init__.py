"""What an exported directory says of itself: its graphs, their states, where they lie, whence they come (no JAX)."""

from mrsr.manifest.reading import check_files, checksum, checksums_of, read_manifest
from mrsr.manifest.record import FILE, Graph, Manifest, StateSpec, write_manifest

__all__ = [
    "FILE",
    "Graph",
    "Manifest",
    "StateSpec",
    "check_files",
    "checksum",
    "checksums_of",
    "read_manifest",
    "write_manifest",
]
