"""Folders in a bucket, on a server that speaks the protocol of Google Cloud Storage, through the real clients."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from gcs_server import GcsServer

from mrsr.errors import UserError
from mrsr.files import Log, replaced
from mrsr.remote import as_path, is_remote, move_into


def test_a_name_without_a_scheme_is_a_path_of_this_machine(tmp_path: Path) -> None:
    assert as_path(str(tmp_path)) == as_path(tmp_path) == tmp_path
    assert not is_remote(tmp_path)


def test_a_file_in_a_bucket_appears_when_its_block_has_ended(bucket: Path, gcs: GcsServer) -> None:
    path = bucket / "run" / "picture.png"
    with replaced(path) as here:
        here.write_bytes(b"new")
        assert here.suffix == ".png"
        assert not path.exists()
    assert gcs.objects[bucket.name] == {"run/picture.png": b"new"}
    assert not here.exists()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_in_the_bucket_what_was_there_before(
    bucket: Path, gcs: GcsServer, error: type[BaseException]
) -> None:
    (bucket / "config.json").write_text("old")

    def fail() -> None:
        with replaced(bucket / "config.json") as here:
            here.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert gcs.objects[bucket.name] == {"config.json": b"old"}


@pytest.mark.parametrize("place", ["disk", "bucket"])
def test_a_log_goes_on_after_the_lines_of_the_run_before(place: str, tmp_path: Path, bucket: Path) -> None:
    path = (tmp_path if place == "disk" else bucket) / "metrics.jsonl"
    for lines in (["1", "2"], ["3"]):
        log = Log(path)
        for line in lines:
            log.write(line)
        log.close()
    assert path.read_text() == "1\n2\n3\n"


def test_a_log_in_a_bucket_is_written_again_now_and_then(
    bucket: Path, gcs: GcsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log(bucket / "metrics.jsonl")
    log.write("1")
    assert not gcs.objects[bucket.name]
    monkeypatch.setattr(Log, "EVERY", 0.0)
    log.write("2")
    assert gcs.objects[bucket.name] == {"metrics.jsonl": b"1\n2\n"}


def test_a_log_that_cannot_be_written_is_no_end_and_is_written_the_next_time(
    bucket: Path, gcs: GcsServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = Log(bucket / "metrics.jsonl")
    monkeypatch.setattr(Log, "EVERY", 0.0)
    gcs.denied.add(bucket.name)
    log.write("1")
    assert "metrics.jsonl: not written" in caplog.text
    gcs.denied.clear()
    log.write("2")
    assert gcs.objects[bucket.name] == {"metrics.jsonl": b"1\n2\n"}


def test_a_listing_has_what_another_client_has_written_since(bucket: Path, gcs: GcsServer) -> None:
    (bucket / "run" / "a").write_text("a")
    assert [path.name for path in (bucket / "run").iterdir()] == ["a"]
    gcs.put(bucket.name, "run/b", b"b")
    assert [path.name for path in (bucket / "run").iterdir()] == ["a", "b"]


@pytest.mark.parametrize("name", ["s3://bucket/run", "gs://", "gs:///run", "hdfs://node/run"])
def test_other_schemes_are_refused_by_name(name: str) -> None:
    with pytest.raises(UserError, match=f"^{name}: expected a folder of this machine or gs://BUCKET/FOLDER$"):
        as_path(name)


def test_a_bucket_that_is_not_there_is_told(gcs: GcsServer) -> None:
    with pytest.raises(UserError, match=r"^gs://nowhere/run: there is no bucket 'nowhere'$"):
        as_path("gs://nowhere/run")


def test_a_bucket_that_may_not_be_read_is_told_with_what_would_help(bucket: Path, gcs: GcsServer) -> None:
    gcs.denied.add(bucket.name)
    with pytest.raises(
        UserError, match=r"cannot be reached \(Forbidden.*gcloud auth application-default login"
    ) as told:
        as_path(f"gs://{bucket.name}/run")
    assert "\n" not in str(told.value)


def test_without_gcsfs_the_package_to_install_is_named() -> None:
    code = "import sys; sys.modules['gcsfs'] = None; from mrsr.remote import as_path; as_path('gs://bucket/run')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ)
    assert done.stderr.strip().endswith("UserError: gs://bucket/run: needs the package gcsfs: pip install 'mrsr[gcs]'")


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
def test_a_large_file_that_fails_on_the_way_leaves_what_was_there_before(
    bucket: Path, gcs: GcsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bucket / "weights").write_text("old")
    monkeypatch.setattr(gcs, "room", 55_000_000)

    def fail() -> None:
        with replaced(bucket / "weights") as here:
            here.write_bytes(bytes(60_000_000))

    with pytest.raises(OSError, match="no room"):
        fail()
    assert gcs.objects[bucket.name] == {"weights": b"old"}
    monkeypatch.undo()
    with replaced(bucket / "weights") as here:
        here.write_bytes(bytes(60_000_000))
    assert gcs.objects[bucket.name] == {"weights": bytes(60_000_000)}


def test_what_is_not_there_is_removed_without_a_word(bucket: Path) -> None:
    (bucket / "run" / "outcome.json").unlink(missing_ok=True)


def test_a_folder_is_moved_into_a_bucket_with_those_below_it(bucket: Path, gcs: GcsServer, tmp_path: Path) -> None:
    (tmp_path / "trace" / "plugins").mkdir(parents=True)
    (tmp_path / "trace" / "plugins" / "host.pb").write_text("traced")
    (tmp_path / "trace" / "readme").write_text("")
    move_into(tmp_path / "trace", bucket / "profile")
    assert gcs.objects[bucket.name] == {"profile/plugins/host.pb": b"traced", "profile/readme": b""}
    assert not (tmp_path / "trace").exists()
