"""Folders, files and lists become video files by name; everything else found is told of with a reason."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from data_pipelines.build.inputs import find_sources
from mrsr.errors import UserError


def tree(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


def test_folders_are_searched_to_the_bottom_in_the_order_of_names(tmp_path: Path) -> None:
    tree(tmp_path, "b/2.MP4", "a.mkv", "b/c/1.264", "b/x.jpg", "notes", "b/z.yuv")
    sources, others = find_sources([tmp_path])
    assert [source.name for source in sources] == ["a.mkv", "b/2.MP4", "b/c/1.264"]
    assert [(other.name, other.reason) for other in others] == [
        ("b/x.jpg", "photograph"),
        ("b/z.yuv", "not a video file"),
        ("notes", "not a video file"),
    ]
    assert "photos:FOLDER" in others[0].detail
    assert ".yuv" in others[1].detail


def test_a_list_names_files_beside_it(tmp_path: Path) -> None:
    tree(tmp_path, "m/1.mp4", "m/2.mp4", "3.mp4")
    (tmp_path / "list.txt").write_text("# mine\nm\n\n3.mp4\n")
    sources, _ = find_sources([tmp_path / "list.txt"])
    assert [source.name for source in sources] == ["1.mp4", "2.mp4", "3.mp4"]


def test_a_file_is_taken_once_however_often_it_is_named(tmp_path: Path) -> None:
    tree(tmp_path, "m/1.mp4")
    (tmp_path / "m" / "link.mp4").symlink_to(tmp_path / "m" / "1.mp4")
    sources, _ = find_sources([tmp_path / "m" / "1.mp4", tmp_path / "m", tmp_path])
    assert [source.name for source in sources] == ["1.mp4"]


def test_names_that_two_inputs_share_carry_their_folder(tmp_path: Path) -> None:
    tree(tmp_path, "a/1.mp4", "b/1.mp4", "b/2.mp4", "c/a/1.mp4")
    sources, _ = find_sources([tmp_path / "a", tmp_path / "b"])
    assert [source.name for source in sources] == ["2.mp4", "a/1.mp4", "b/1.mp4"]
    with pytest.raises(UserError, match=r"would have the same name, a/1\.mp4"):
        find_sources([tmp_path / "a", tmp_path / "c" / "a"])


def test_what_is_being_made_is_no_input(tmp_path: Path) -> None:
    tree(tmp_path, "1.mp4", "out/2.mp4")
    sources, others = find_sources([tmp_path], leave_out=[tmp_path / "out"])
    assert [source.name for source in sources] == ["1.mp4"]
    assert others == []


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    tree(tmp_path / "disk", "1.mp4", "deep/2.mp4")
    tree(tmp_path / "media", "z/3.mp4")
    (tmp_path / "media" / "a").symlink_to(tmp_path / "media" / "z")
    (tmp_path / "media" / "disk").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "deep" / "up").symlink_to(tmp_path / "media")
    sources, others = find_sources([tmp_path / "media"])
    assert [source.name for source in sources] == ["disk/1.mp4", "disk/deep/2.mp4", "z/3.mp4"]
    assert others == []


def test_links_that_lead_nowhere_are_told_of_by_name(tmp_path: Path) -> None:
    tree(tmp_path, "1.mp4")
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere")
    sources, others = find_sources([tmp_path])
    assert [source.name for source in sources] == ["1.mp4"]
    assert [(other.name, other.reason) for other in others] == [("gone.mp4", "unreadable"), ("loop.mp4", "unreadable")]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    assert find_sources([tmp_path])[1][0].detail == "it is a device or a pipe; expected a file"


def test_a_name_that_is_no_utf_8_is_told_of(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mp4")).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes no such names")
    tree(tmp_path, "café.mp4")
    sources, others = find_sources([tmp_path])
    assert [source.name for source in sources] == ["café.mp4"]
    assert [(other.name, other.reason) for other in others] == [("caf\\xe9.mp4", "name not UTF-8")]


def test_names_are_utf_8_in_every_locale(tmp_path: Path) -> None:
    tree(tmp_path, "café.mp4")
    code = (
        "import sys; from pathlib import Path; from data_pipelines.build.inputs import find_sources\n"
        "print(ascii(find_sources([Path(sys.argv[1])])[0][0].name))"
    )
    environment = os.environ | {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False, env=environment
    )
    assert done.stdout == "'caf\\xe9.mp4'\n", done.stderr


def test_names_a_list_repeats_are_told_apart_from_its_folder(tmp_path: Path) -> None:
    tree(tmp_path, "a/x/1.mp4", "b/x/1.mp4", "b/x/2.mp4")
    (tmp_path / "list.txt").write_text("a/x/1.mp4\nb/x/1.mp4\nb/x/2.mp4\n")
    sources, _ = find_sources([tmp_path / "list.txt"])
    assert [(source.name, source.below) for source in sources] == [
        ("2.mp4", "2.mp4"),
        ("a/x/1.mp4", "1.mp4"),
        ("b/x/1.mp4", "1.mp4"),
    ]


def test_a_missing_input_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone: not found; expected a folder, a video file or a list"):
        find_sources([tmp_path / "gone"])
    (tmp_path / "a.txt").write_text("a.txt\n")
    with pytest.raises(UserError, match="no further lists"):
        find_sources([tmp_path / "a.txt"])
