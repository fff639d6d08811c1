"""A run whose folder, data and first weights are in a bucket is the run it would be on a disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gcs_server import GcsServer
from phases import config_of
from saving_process import abstract_items, items
from small import assert_same_bits, photograph

from data_pipelines.build.write import write_dataset
from data_pipelines.clips import StoredClips
from data_pipelines.store import ClipStore, StoredClip, encode_frame
from mrsr.checkpoint import CHECKPOINTS, Store, has_checkpoint, load_model
from mrsr.checkpoint.checksums import SUMS
from mrsr.checkpoint.store import COMMITTED
from mrsr.errors import UserError
from mrsr.train.resume import restore

HERE = Path(__file__).parent
PHASE = "faces"
"""The one with most to write: evaluations, the best weights, the forgetting gate."""


def saved(bucket: Path, *steps: int) -> Path:
    """A run folder of which these steps were saved, as `saving_process` has them."""
    workdir = bucket / "run"
    with Store(workdir, keep=3) as store:
        for step in steps:
            store.save(step, *items(step))
    return workdir


def newest(workdir: Path) -> tuple[int, list[str]]:
    """The newest whole step, whose values are compared bit for bit, and what was said on the way."""
    said: list[str] = []
    with Store(workdir, keep=3) as store:
        step, model, training = store.restore_newest(*abstract_items(), said.append)
    assert_same_bits((model, training), items(step))
    return step, said


def objects(gcs: GcsServer, bucket: Path, step: int | str) -> dict[str, bytes]:
    """The files of a step, by their names in the bucket."""
    prefix = f"run/{CHECKPOINTS}/{step}/"
    return {name: data for name, data in gcs.objects[bucket.name].items() if name.startswith(prefix)}


def test_a_save_ends_with_orbaxs_mark_and_then_the_checksums(bucket: Path, gcs: GcsServer) -> None:
    workdir = saved(bucket, 1)
    assert has_checkpoint(workdir)
    order = sorted(objects(gcs, bucket, 1), key=lambda name: gcs.generations[bucket.name, name])
    assert [Path(name).name for name in order[-2:]] == [COMMITTED, SUMS]
    assert newest(workdir) == (1, [])


@pytest.mark.parametrize("damage", ["bit", "short", "missing"])
def test_a_damaged_step_is_named_and_set_aside_and_its_number_is_free_again(
    bucket: Path, gcs: GcsServer, damage: str
) -> None:
    workdir = saved(bucket, 1, 2)
    arrays = [name for name in objects(gcs, bucket, 2) if "/d/" in name]
    name = max(arrays, key=lambda name: len(gcs.objects[bucket.name][name]))
    data = bytearray(gcs.objects[bucket.name].pop(name))
    data[len(data) // 2] ^= 1
    if damage != "missing":
        gcs.put(bucket.name, name, data if damage == "bit" else data[:-7])
    step, (line,) = newest(workdir)
    assert step == 1
    assert line.startswith(f"{workdir / CHECKPOINTS / '2'}: damaged ({name.partition('/2/')[2]} is")
    assert not objects(gcs, bucket, 2)
    assert objects(gcs, bucket, "damaged_2")
    with Store(workdir, keep=3) as store:
        store.save(2, *items(2))
    assert newest(workdir) == (2, [])


def test_an_unfinished_save_is_no_checkpoint_and_its_step_can_be_saved(bucket: Path, gcs: GcsServer) -> None:
    workdir = saved(bucket, 1)
    for mark in (SUMS, COMMITTED):
        del gcs.objects[bucket.name][f"run/{CHECKPOINTS}/1/{mark}"]
    assert not has_checkpoint(workdir)
    assert saved(bucket, 1) == workdir
    assert newest(workdir) == (1, [])


def test_whatever_uploads_came_to_their_end_never_a_wrong_value_is_loaded(bucket: Path, gcs: GcsServer) -> None:
    """A save that is killed after so many of its uploads: objects appear one after the other, each of them whole."""
    workdir = saved(bucket, 1, 2)
    whole = dict(gcs.objects[bucket.name])
    order = sorted(objects(gcs, bucket, 2), key=lambda name: gcs.generations[bucket.name, name])
    for kept in (0, 1, len(order) // 2, len(order) - 2, len(order) - 1, len(order)):
        gcs.objects[bucket.name] = {name: data for name, data in whole.items() if name not in order[kept:]}
        assert newest(workdir)[0] == (2 if kept == len(order) else 1), order[:kept]


def train(workdir: Path, cache: Path, *ending: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(folder) for folder in (HERE.parent, HERE.parent.parent))
    variables = {
        "PYTHONPATH": path,
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    command = [sys.executable, HERE / "training_process.py", PHASE, workdir, *ending]
    return subprocess.run(command, env=os.environ | variables, capture_output=True, text=True)


@pytest.mark.long
def test_killed_and_resumed_in_a_bucket_is_uninterrupted_on_a_disk(
    bucket: Path, gcs: GcsServer, tmp_path: Path
) -> None:
    whole = train(tmp_path / "run", tmp_path / "cache")
    assert whole.returncode == 0, whole.stderr
    workdir = bucket / "run"
    assert train(workdir, tmp_path / "cache", "SIGKILL", "6").returncode == -signal.SIGKILL
    resumed = train(workdir, tmp_path / "cache")
    assert resumed.returncode == 0, resumed.stderr
    assert "resuming at step" in resumed.stdout
    config = config_of(PHASE)
    ends = []
    for folder in (tmp_path / "run", workdir):
        with Store(folder) as store:
            ends.append(restore(config, store, 6))
    assert_same_bits(*ends)
    assert_same_bits(load_model(workdir)[1], ends[0].ema_params)
    names = {name.removeprefix("run/") for name in gcs.objects[bucket.name]}
    on_disk = {str(path.relative_to(tmp_path / "run")) for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert {name for name in on_disk if name.partition("/")[0] not in (CHECKPOINTS, "tensorboard")} <= names
    assert any(name.startswith("tensorboard/") for name in names)
    logs = [(folder / "metrics.jsonl").read_text().splitlines() for folder in (tmp_path / "run", workdir)]
    steps = [[json.loads(line)["step"] for line in log] for log in logs]
    assert set(steps[1]) <= set(steps[0])
    assert not Path("gs:").exists()


@pytest.fixture(scope="module")
def data_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips of three frames, 48 by 64."""

    def clip(index: int) -> StoredClip:
        frames = tuple(encode_frame(photograph(48, 64) // (1 + index + frame), 95) for frame in range(3))
        return StoredClip(frames, f"{index}.mp4", 0, 30.0, 1.0, "CC0")

    folder = tmp_path_factory.mktemp("set") / "clips"
    write_dataset("mrsr_video", {"train": lambda: map(clip, range(2))}, folder, {"counts": {}}, readme=str)
    return folder


def test_clips_are_read_out_of_a_bucket_as_from_a_disk(bucket: Path, gcs: GcsServer, data_set: Path) -> None:
    for file in data_set.iterdir():
        gcs.put(bucket.name, f"clips/{file.name}", file.read_bytes())
    here, there = StoredClips(str(data_set)), StoredClips(f"{bucket}/clips")
    assert there.fingerprint() == here.fingerprint()
    for index in range(2):
        draw = [source.clips(index, np.random.default_rng(0), 2, 32, 2) for source in (here, there)]
        np.testing.assert_array_equal(*draw)
    shard = next(name for name in gcs.objects[bucket.name] if "array_record" in name)
    del gcs.objects[bucket.name][shard]
    with pytest.raises(UserError, match=f"gs://{bucket.name}/clips: its file {Path(shard).name} is missing"):
        ClipStore(f"{bucket}/clips")
    with pytest.raises(UserError, match=f"gs://{bucket.name}/nothing: holds no finished data set"):
        ClipStore(f"{bucket}/nothing")
