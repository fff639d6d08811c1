"""What is asked of Ray and made of its answers, by a stand-in for Ray: resources, and workers that answer badly."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace
from typing import Any

import pytest

from mrsr.streaming.cluster import ray_cluster, ray_workers
from mrsr.streaming.cluster.places import Place
from mrsr.streaming.cluster.ray_cluster import ClusterSettings
from mrsr.streaming.cluster.ray_workers import RayWorkers
from mrsr.streaming.settings import WorkerSettings
from mrsr.streaming.starting import WorkerStart


class UnavailableError(Exception):
    """No actor of the stand-in is."""


class Ray:
    """One machine with the processors that were asked for, on which every actor has a place at once."""

    exceptions = SimpleNamespace(
        ActorUnavailableError=UnavailableError, RayTaskError=UnavailableError, RayActorError=UnavailableError
    )

    def __init__(self) -> None:
        self.cpus = 0.0
        self.connected = True
        self.told: list[WorkerStart] = []
        self.errors: list[Exception] = []

    def init(self, num_cpus: float = 0.0, **_: Any) -> None:
        self.cpus = num_cpus

    def is_initialized(self) -> bool:
        return self.connected

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": {"CPU": self.cpus}}]

    def remote(self, _: type) -> Any:
        return self

    def options(self, num_cpus: float, **_: Any) -> Any:
        def started(start: WorkerStart, _: str) -> Any:
            self.told.append(start)
            place = Place(f"127.0.0.1:{len(self.told)}", 1) if num_cpus * len(self.told) <= self.cpus else None
            # An answer is an object of its own, as a reference of Ray's is.
            answer = SimpleNamespace(remote=lambda: (self.errors.pop() if self.errors else place,))
            return SimpleNamespace(place=answer, stop=SimpleNamespace(remote=tuple))

        return SimpleNamespace(remote=started)

    def wait(self, answers: list[Any], **_: Any) -> tuple[list[Any], list[Any]]:
        return answers, []

    def get(self, answer: tuple[Any]) -> Any:
        if isinstance(answer[0], Exception):
            raise answer[0]
        return answer[0]

    def kill(self, _: Any) -> None:
        return

    def shutdown(self) -> None:
        return


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Ray:
    stand_in = Ray()
    monkeypatch.setattr(ray_cluster, "ray_module", lambda: stand_in)
    monkeypatch.setattr(ray_workers, "ray_module", lambda: stand_in)
    return stand_in


def started(settings: ClusterSettings) -> RayWorkers:
    return RayWorkers(settings, WorkerStart(WorkerSettings(), "secret"), "a_worker")


@pytest.mark.parametrize(("workers", "count"), [(None, 1), (2, 2)])
def test_workers_of_several_processors_find_place_on_this_machine_alone(
    ray: Ray, workers: int | None, count: int
) -> None:
    async def look() -> int:
        async with started(ClusterSettings("local", workers, 3)) as found:
            return len(await found.places())

    assert asyncio.run(look()) == count
    assert [start.settings.threads for start in ray.told] == [3] * count


def test_an_answer_that_is_an_error_is_asked_for_anew(ray: Ray) -> None:
    async def look() -> None:
        async with started(ClusterSettings("local")) as found:
            ray.errors.append(RuntimeError("the object was lost"))
            with pytest.raises(RuntimeError, match="was lost"):
                await found.places()
            assert len(await found.places()) == 1

    asyncio.run(look())


def test_a_server_that_ends_does_not_wait_for_a_cluster_whose_head_is_gone(ray: Ray) -> None:
    async def serve() -> None:
        with socket.create_server(("127.0.0.1", 0)) as head:
            found = started(ClusterSettings(f"127.0.0.1:{head.getsockname()[1]}", patience_s=40))
            await found.__aenter__()
        ray.connected = False
        looking = asyncio.create_task(found.places())
        await asyncio.wait([looking], timeout=0.1)
        looking.cancel()
        await asyncio.wait_for(found.__aexit__(), 20)

    asyncio.run(serve())
