"""The sources of clips as a config's text names them."""

from __future__ import annotations

from mrsr.config import Source, parse_sources


def test_kinds_folders_and_weights_are_told_apart() -> None:
    text = "clips:gs://bucket/a=0.7, photos:/data/b=2,tfds:davis/480p:2.0.1, sample"
    assert parse_sources(text) == (
        Source("clips", "gs://bucket/a", 0.7),
        Source("photos", "/data/b", 2.0),
        Source("tfds", "davis/480p:2.0.1", 1.0),
        Source("sample", "", 1.0),
    )


def test_a_source_reads_as_it_is_written() -> None:
    assert [str(source) for source in parse_sources("clips:a=2,sample")] == ["clips:a", "sample"]
