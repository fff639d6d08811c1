"""Where the face detector's model comes from."""

import shutil
import zipfile
from pathlib import Path

import pytest

from data_pipelines.faces import fetch as fetch_command
from data_pipelines.faces import model as face_models
from data_pipelines.faces.model import (
    CHECK,
    DIGESTS,
    NAME,
    VARIABLE,
    cached_model,
    check_model,
    extract,
    face_model,
    is_cached,
    sha256,
)
from mrsr.errors import RunError, UserError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no environment variable; pip finds nothing, wherever the tests run."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(VARIABLE, raising=False)
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "cache" / "mrsr" / NAME


def other_model(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(b"another model")
    return path


def test_the_cache_follows_xdg_and_falls_back_to_the_home_folder(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cached_model() == cache
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/srv/ann")
    assert cached_model() == Path("/srv/ann/.cache/mrsr") / NAME


def test_a_path_goes_before_the_variable_and_the_variable_before_the_cache(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    named, set_up = other_model(tmp_path, "named.tflite"), other_model(tmp_path, "set.tflite")
    monkeypatch.setenv(VARIABLE, str(set_up))
    assert face_model(named) == named
    assert face_model() == set_up
    assert "set.tflite: not the" in caplog.text


@pytest.mark.parametrize("by_variable", [False, True])
def test_a_named_model_that_is_not_there_is_an_error_of_the_user(
    cache: Path, monkeypatch: pytest.MonkeyPatch, by_variable: bool
) -> None:
    monkeypatch.setenv(VARIABLE, "nowhere.tflite")
    with pytest.raises(UserError, match=VARIABLE if by_variable else "--face-model"):
        face_model(None if by_variable else "nothing.tflite")


def test_the_pinned_checksums_are_those_of_the_models_in_the_cache(model: Path) -> None:
    assert {name: sha256(cached_model(name)) for name in (NAME, CHECK)} == DIGESTS
    assert face_model() == model
    assert check_model(model) == cached_model(CHECK)


def test_a_damaged_cache_is_not_used(cache: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache.parents[1]))
    cache.parent.mkdir(parents=True)
    for name in DIGESTS:
        shutil.copy(model.with_name(name), cache.with_name(name))
    assert is_cached()
    cache.write_bytes(cache.read_bytes()[:-1])
    assert not is_cached()
    with pytest.raises(RunError, match="could not download"):
        face_model()


def test_the_models_are_taken_out_of_a_wheel(cache: Path, tmp_path: Path, model: Path) -> None:
    wheel = tmp_path / "wheel.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in DIGESTS:
            archive.write(model.with_name(name), f"mediapipe/modules/face_detection/{name}")
    assert extract(wheel) == cached_model()
    assert {file.name: sha256(file) for file in cached_model().parent.iterdir()} == DIGESTS


def test_a_named_model_without_the_other_beside_it_is_used_alone_with_a_warning(
    cache: Path, tmp_path: Path, model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    named = Path(shutil.copy(model, tmp_path / "detector.tflite"))
    assert check_model(named) is None
    assert "no face is looked at twice" in caplog.text
    beside = Path(shutil.copy(model.with_name(CHECK), tmp_path / CHECK))
    assert check_model(named) == beside


def test_a_wheel_with_another_model_leaves_the_cache_as_it_was(cache: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "wheel.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"mediapipe/modules/face_detection/{NAME}", b"something else")
    with pytest.raises(RunError, match=DIGESTS[NAME]):
        extract(wheel)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("mediapipe/__init__.py", b"")
    with pytest.raises(RunError, match="does not hold"):
        extract(wheel)
    assert not cache.parent.exists()


def test_a_model_that_cannot_be_fetched_is_told_in_one_line(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch_command.main() == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert face_models._WHEEL in told
    assert "--face-model" in told
    assert not cache.exists()
