"""What an exported directory says of itself: read as written, and nothing damaged is taken."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from mrsr.errors import UserError
from mrsr.ladder import Ladder, RouteSet
from mrsr.manifest import FILE, Graph, Manifest, StateSpec, check_files, checksum, read_manifest, write_manifest

SINGLE = Graph(RouteSet.parse("180:360"), 1, {"180@360": StateSpec(Fraction(2), 8)}, {"saved_model": "saved_model/m/1"})
PAIR = Graph(
    RouteSet.parse("180:360,180:720"),
    2,
    {"180@180": StateSpec(Fraction(1), 4), "180@720": StateSpec(Fraction(3, 2), 4)},
    {"saved_model": "saved_model/m/1", "onnx/float32": "onnx/float32/180_360_720.onnx"},
)


SUMS = {"saved_model/m/1/saved_model.pb": "0", "onnx/float32/180_360_720.onnx": "0"}


def _manifest(**changed: object) -> Manifest:
    fields = {"name": "m", "config_hash": "0" * 12, "parameters": 7, "ladder": Ladder(), "graphs": (SINGLE, PAIR)}
    fields["checksums"] = SUMS
    return Manifest(**fields | changed)  # type: ignore[arg-type]


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    manifest = _manifest(licence="CC BY 4.0", metrics={"180:720/bicubic/psnr_y": 31.5}, parity={"saved_model": {}})
    write_manifest(manifest, tmp_path)
    assert read_manifest(tmp_path) == manifest


def test_a_reader_without_this_library_finds_the_shapes_of_the_states(tmp_path: Path) -> None:
    write_manifest(_manifest(), tmp_path)
    states = json.loads((tmp_path / FILE).read_text())["graphs"][1]["states"]
    assert states["180@720"] == {"grid": "3/2", "channels": 4, "shape": ["B", "H*3/2", "W*3/2", 4]}


def test_a_graph_that_makes_more_serves_routes_that_were_not_exported_alone() -> None:
    manifest = _manifest()
    assert manifest.graph(RouteSet.parse("180:360")) is SINGLE
    assert manifest.graph(RouteSet.parse("180:720")) is PAIR
    with pytest.raises(UserError, match="routes 360:720: not exported; expected some of one of: 180:360; 180:360,"):
        manifest.graph(RouteSet.parse("360:720"))


def test_only_a_form_that_every_graph_has_counts() -> None:
    assert _manifest().forms() == ("saved_model",)


def test_a_flipped_bit_and_a_missing_file_are_named(tmp_path: Path) -> None:
    for name in ("onnx/a.onnx", "weights.msgpack"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"good")
    sums = {name: checksum(tmp_path / name) for name in ("onnx/a.onnx", "weights.msgpack")}
    manifest = _manifest(checksums=sums)
    check_files(manifest, tmp_path)
    (tmp_path / "onnx/a.onnx").write_bytes(b"goog")
    check_files(manifest, tmp_path, ("weights",))
    with pytest.raises(UserError, match=r"a\.onnx: damaged"):
        check_files(manifest, tmp_path)
    (tmp_path / "weights.msgpack").unlink()
    with pytest.raises(UserError, match=r"weights\.msgpack: damaged or missing"):
        check_files(manifest, tmp_path, ("weights",))


@pytest.mark.parametrize("text", ["", "[]", "[" * 100_000, '{"version": 1}', '{"version": 1, "ladder": [180, 360]}'])
def test_a_damaged_manifest_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(UserError, match=r"manifest\.json: damaged"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("place", ["/etc/passwd", "../beside/m.onnx", "onnx/../../beside"])
def test_no_file_outside_the_directory_is_named(tmp_path: Path, place: str) -> None:
    for changed in (
        {"graphs": (Graph(SINGLE.routes, 1, SINGLE.states, {"onnx/float32": place}),)},
        {"checksums": SUMS | {place: "0"}},
    ):
        write_manifest(_manifest(**changed), tmp_path)
        with pytest.raises(UserError, match=r"manifest\.json: file .*expected a path inside the directory"):
            read_manifest(tmp_path)


def _changed(record: dict[str, Any], path: str, value: object) -> None:
    *parents, last = path.split("/")
    for name in parents:
        record = record[int(name) if isinstance(record, list) else name]
    record[last] = value


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("version", True, "version True; expected 1"),
        ("name", None, "name None: expected a text"),
        ("parameters", "x", "parameters 'x': expected a whole number"),
        ("ladder", [180, 360], "rung 720: not on the ladder"),
        ("checksums", ["a"], "damaged"),
        ("checksums", {"a": 5}, "checksums 5: expected a text"),
        ("checksums", {}, "file 'saved_model/m/1' has no checksum"),
        ("graphs/0/multiple", 0, "multiple 0: expected a whole number from 1 on to 4096"),
        ("graphs/0/multiple", 10**6, "multiple 1000000: expected"),
        ("graphs/0/routes", "180:360,360:720", "graph 180:360,360:720: expected routes of one input"),
        ("graphs/0/states/180@360/grid", "1/0", "damaged"),
        ("graphs/0/states/180@360/grid", "-1", "grid -1: expected a positive ratio"),
        ("graphs/0/states/180@360/grid", "1/3", "grid 1/3: expected a positive ratio that is whole for 1 px"),
        ("graphs/0/states/180@360/channels", -1, "channels -1: expected"),
        ("graphs/0/states/180@360/channels", float("inf"), "channels inf: expected"),
        ("graphs/0/files/saved_model", "", "files '': expected a text"),
        ("graphs/0/files/saved_model", "saved_model/m", "ok"),
        ("graphs/0/files/saved_model", "elsewhere", "file 'elsewhere' has no checksum"),
    ],
)
def test_a_manifest_that_cannot_be_is_refused_in_one_line(tmp_path: Path, path: str, value: object, said: str) -> None:
    write_manifest(_manifest(), tmp_path)
    record = json.loads((tmp_path / FILE).read_text())
    _changed(record, path, value)
    (tmp_path / FILE).write_text(json.dumps(record))
    if said == "ok":
        read_manifest(tmp_path)
        return
    with pytest.raises(UserError) as raised:
        read_manifest(tmp_path)
    assert str(raised.value).startswith(f"{tmp_path / FILE}: {said}" if said == "damaged" else f"{tmp_path / FILE}: ")
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_states_of_any_frame_are_those_of_the_whole_one_it_is_padded_to() -> None:
    assert PAIR.whole(7, 10) == (8, 10)
    assert PAIR.state_shapes(3, 7, 10) == {"180@180": (3, 8, 10, 4), "180@720": (3, 12, 15, 4)}


def test_a_folder_without_one_and_another_layout_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no exported directory"):
        read_manifest(tmp_path)
    (tmp_path / FILE).write_text('{"version": 99}')
    with pytest.raises(UserError, match=r"manifest\.json: version 99; expected 1$"):
        read_manifest(tmp_path)
