"""The loader's promises: the same batches however they are made, and every clip once an epoch over all hosts."""

from __future__ import annotations

import threading
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_pipelines.batches import Batch
from data_pipelines.loader import check_hosts, draws, of_host, training_batches
from data_pipelines.sources import fingerprints, open_sources
from mrsr.config import DataConfig, DegradationConfig, ExperimentConfig, model_size, validate
from mrsr.errors import UserError


def _config(seed: int = 0, workers: int = 0, sources: str = "sample", cutouts: int = 1) -> ExperimentConfig:
    data = DataConfig(frames=2, crop=48, sources=sources, workers=workers, cutouts=cutouts)
    data.degradation = DegradationConfig(jpeg=0.5, codec=0.5)
    config = ExperimentConfig(model=model_size("tiny"), data=data)
    config.train.batch_size, config.train.seed = 4, seed
    return validate(config)


def _take(config: ExperimentConfig, number: int, *where: int) -> list[Batch]:
    made = training_batches(config, open_sources(config.data), *where)
    taken = list(islice(made, number))
    made.close()  # type: ignore[attr-defined]
    return taken


def _equal(first: Batch, second: Batch) -> bool:
    return all(
        np.array_equal(first[side][rung], second[side][rung]) for side in ("inputs", "truth") for rung in first[side]
    )


def _clips(batch: Batch) -> list[bytes]:
    """The clips of a batch by their content, in any order."""
    return sorted(clip.tobytes() for clip in batch["truth"][1080])


def test_batches_follow_from_the_seed_and_the_step() -> None:
    first, again, other = _take(_config(seed=1), 2), _take(_config(seed=1), 2), _take(_config(seed=2), 1)
    assert _equal(first[0], again[0])
    assert _equal(first[1], again[1])
    assert not _equal(first[0], first[1])
    assert not _equal(first[0], other[0])


def test_a_start_in_the_middle_goes_on_with_the_same_batches() -> None:
    whole, rest = _take(_config(), 5), _take(_config(), 2, 3)
    assert all(_equal(a, b) for a, b in zip(whole[3:], rest, strict=True))


@pytest.mark.slow
def test_one_and_two_worker_processes_make_the_batches_that_none_makes() -> None:
    none = _take(_config(), 5)
    for workers in (1, 2):
        assert all(_equal(a, b) for a, b in zip(none, _take(_config(workers=workers), 5), strict=True))


def test_hosts_share_the_clips_of_every_step_and_nothing_else() -> None:
    config = _config(cutouts=2)
    for whole, *parts in zip(_take(config, 3), _take(config, 3, 0, 0, 2), _take(config, 3, 0, 1, 2), strict=True):
        first, second = map(_clips, parts)
        assert len(first) == len(second) == 2
        assert sorted(first + second) == _clips(whole)


@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 4), (4, 2)])
def test_a_job_goes_on_from_a_step_on_other_hosts_with_no_clip_missed_or_seen_twice(before: int, after: int) -> None:
    config, lengths, clips, stopped = _config(), [22], 4, 5
    order = draws(config, lengths)

    def seen(steps: range, hosts: int) -> list[tuple[int, int]]:
        parts = [of_host(order, clips, steps.start, host, hosts) for host in range(hosts)]
        return [part[n] for part in parts for n in range(len(steps) * clips // hosts)]

    steps = 11  # Two epochs of 22 clips, four a step.
    whole = seen(range(stopped), before) + seen(range(stopped, steps), after)
    assert sorted(whole) == sorted([(0, clip) for clip in range(22)] * 2)


def test_every_epoch_has_every_clip_once_in_an_order_of_its_own() -> None:
    order = draws(_config(), [30])
    first, second = ([order[n].clip for n in range(start, start + 30)] for start in (0, 30))
    assert sorted(first) == sorted(second) == list(range(30))
    assert first != second
    assert first != sorted(first)


@pytest.mark.parametrize("weight", [0.25, 0.65])
def test_sources_are_drawn_in_proportion_to_their_weights_whatever_their_lengths(weight: float) -> None:
    config = _config(sources=f"photos:a={weight},photos:b={1 - weight}")
    order = draws(config, [7, 500])
    from_first = np.array([order[n].source == 0 for n in range(1000)])
    for part in np.split(from_first, 10):
        assert abs(part.mean() - weight) <= 0.01


def test_hosts_that_cannot_share_a_batch_are_refused() -> None:
    with pytest.raises(UserError, match=r"train\.batch_size=4: .* a step draws 2 clips; expected a multiple of the 3"):
        check_hosts(_config(cutouts=2), 3)


def test_a_source_that_is_not_there_is_refused_before_the_first_batch(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"photos:.*missing: not found; expected a folder"):
        open_sources(DataConfig(sources=f"photos:{tmp_path / 'missing'}"))


def _noise(path: Path, side: int = 90) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_source_of_damaged_clips_alone_is_refused_by_name(tmp_path: Path, workers: int) -> None:
    path = _noise(tmp_path / "photo.png")
    path.write_bytes(path.read_bytes()[:9000])  # The header still tells a size that is large enough.
    config = _config(sources=f"photos:{tmp_path}", workers=workers)
    with pytest.raises(UserError, match=r"photo\.png: not a readable photograph .* \(the last of 1 clips in a row"):
        _take(config, 1)


def test_a_damaged_clip_gives_way_to_the_next_one_and_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _noise(tmp_path / "b.png")
    path = _noise(tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:9000])
    config = _config(sources=f"photos:{tmp_path}")
    assert len(_take(config, 3)) == 3
    assert [line for line in caplog.messages if "left out" in line and "a.png" in line]
    assert sum("a.png" in line for line in caplog.messages) == 1
    assert all(_equal(a, b) for a, b in zip(_take(config, 3), _take(config, 3), strict=True))


def test_closing_ends_the_threads() -> None:
    before = set(threading.enumerate())
    made = training_batches(_config(), open_sources(_config().data))
    next(made)
    started = set(threading.enumerate()) - before
    made.close()  # type: ignore[attr-defined]
    assert started, "the batches were made by a thread"
    for thread in started:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in started)


def _fingerprints(data: DataConfig) -> dict[str, str]:
    return fingerprints(data, open_sources(data))


def test_a_fingerprint_changes_with_what_a_source_holds(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (60, 60, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    data = DataConfig(sources=f"photos:{tmp_path},sample", crop=48)
    before = _fingerprints(data)
    assert set(before) == {f"photos:{tmp_path}", "sample"}
    assert _fingerprints(data) == before
    Image.fromarray(pixels).save(tmp_path / "b.png")
    after = _fingerprints(data)
    assert after["sample"] == before["sample"]
    assert after != before
