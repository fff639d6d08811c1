"""The command a card tells can be given to a shell, and holds no place of the machine it was run on."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from mrsr.cli.command_line import command_line


def test_a_shell_reads_the_words_that_were_given() -> None:
    rest = ["--config.held_out=('validation/*', \"it's\")", "--config.frames", "12"]
    line = command_line("mrsr data build", [Path("my films")], {"--index": None}, rest)
    assert shlex.split(line) == ["mrsr", "data", "build", "my films", "--output", "DIR", *rest]


def test_files_go_by_their_names() -> None:
    files = {"--config": "/srv/ann/settings.py:a/b", "--index": Path("/data/INDEX.md")}
    rest = ["--config.segmentation=/models/selfie.tflite", "--beam-option", "temp_location=/tmp/beam"]
    line = command_line("mrsr data faces", [Path("/data/clips"), Path()], files, rest)
    assert line == (
        "mrsr data faces clips . --output DIR --config settings.py:a/b --index INDEX.md "
        "--config.segmentation=selfie.tflite --beam-option temp_location=beam"
    )


def test_a_name_that_is_no_utf_8_can_be_written_on_a_card() -> None:
    line = command_line("mrsr data build", [Path(os.fsdecode(b"caf\xe9"))], {}, [])
    assert line.encode() == b"mrsr data build 'caf\\xe9' --output DIR"
