"""A process that compiles the training step for a TPU slice on a machine without one: its environment and its talk.

The environment must be set before JAX starts, and what libtpu prints and may end with is no concern of whoever asks:
hence a process of its own. It is sent JSON lines (a config and a slice, then batch sizes) and answers with one each.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from queue import Queue
from types import TracebackType
from typing import IO, Any

from mrsr.config import ExperimentConfig
from mrsr.config.serialise import from_json, to_json
from mrsr.errors import RunError, UserError
from mrsr.ladder import RouteSet
from mrsr.train.topology import Topology, parse_topology

ENVIRONMENT = {
    "JAX_PLATFORMS": "cpu",
    # The programs are for other machines, and one found in a cache has no memory analysis.
    "JAX_ENABLE_COMPILATION_CACHE": "false",
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_ACCELERATOR_TYPE": "v5litepod-4",
    "TPU_WORKER_HOSTNAMES": "localhost",
    # Nothing is run, so that no chip is taken from anybody.
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
    "TPU_STDERR_LOG_LEVEL": "3",
}


def libtpu_is_here() -> bool:
    """Whether there is a TPU compiler: the package `libtpu`, or the file that `TPU_LIBRARY_PATH` names."""
    named = os.environ.get("TPU_LIBRARY_PATH")
    return Path(named).is_file() if named else importlib.util.find_spec("libtpu") is not None


class TopologyCompiler:
    """The process, for one config and one slice; leaving it ends the process, whatever it is at."""

    def __init__(self, config: ExperimentConfig, topology: Topology) -> None:
        """Starts nothing yet.

        Raises:
          UserError: there is no TPU compiler on this machine.
        """
        if not libtpu_is_here():
            raise UserError(
                "no TPU compiler here; expected the package libtpu (pip install 'mrsr[tpu]') or "
                "TPU_LIBRARY_PATH, the path of its libtpu.so"
            )
        self._first = {"config": to_json(config), "topology": topology.name}

    def __enter__(self) -> TopologyCompiler:
        self._log: IO[bytes] = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            env=os.environ | ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()

    def described(self) -> dict[str, Any]:
        """Parameters, bytes of the state and FLOP of a step, by name; to be asked first.

        Raises:
          RunError: the process failed.
        """
        return self._ask(self._first)

    def compiled(self, batch_size: int) -> dict[str, Any]:
        """The step compiled for a batch of this size, over all devices.

        Returns:
          `memory` of a device, bytes by name with their `total`, and `sent`, bytes; both None where the step does not
          fit, and then `said`, what the compiler said.

        Raises:
          RunError: the process failed.
        """
        return self._ask({"batch_size": batch_size})

    def frame_step(self, routes: RouteSet) -> dict[str, Any]:
        """The frozen step of one stream compiled for one device.

        Returns:
          `memory` and `said`, as `compiled`.

        Raises:
          RunError: the process failed.
        """
        return self._ask({"routes": str(routes)})

    def least_temporaries(self, batch_size: int) -> int:
        """Bytes of temporaries a device needs at the least for a batch of this size, in a tenth of the time.

        Raises:
          RunError: the process failed.
        """
        return int(self._ask({"batch_size": batch_size, "least": True})["least"])

    def _ask(self, question: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            print(json.dumps(question), file=self._process.stdin, flush=True)
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            status = self._process.wait()
            self._log.seek(0)
            lines = [line for line in self._log.read().decode(errors="replace").splitlines() if line.strip()]
            raise RunError(f"the compiler's process ended with status {status}: {lines[-1] if lines else 'no word'}")
        return dict(json.loads(answer))


def _serve() -> None:
    """The process's side. It ends with whoever asks: a compilation takes minutes and nobody waits for it any more."""
    questions: Queue[Any] = Queue()

    def listen() -> None:
        for line in sys.stdin:
            questions.put(json.loads(line))
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    first = questions.get()
    config, topology = from_json(first["config"]), parse_topology(first["topology"])
    from jax.experimental import topologies

    from mrsr.train.ahead_of_time import (
        TooLargeError,
        compiled_frame_step,
        compiled_memory,
        description,
        least_temporaries,
    )

    described = topologies.get_topology_desc(topology.name, platform="tpu", chips_per_host_bounds=topology.host_bounds)
    print(json.dumps(description(config)), flush=True)
    while True:
        question = questions.get()
        answer: dict[str, Any]
        if "routes" in question:
            try:
                step = compiled_frame_step(config, RouteSet.parse(question["routes"]), described.devices[0])
                answer = {"memory": dataclasses.asdict(step) | {"total": step.total}}
            except TooLargeError as error:
                answer = {"memory": None, "said": str(error)}
            print(json.dumps(answer), flush=True)
            continue
        train = dataclasses.replace(config.train, batch_size=question["batch_size"])
        asked = dataclasses.replace(config, train=train)
        try:
            if question.get("least"):
                print(json.dumps({"least": least_temporaries(asked, described.devices)}), flush=True)
                continue
            memory, sent = compiled_memory(asked, described.devices)
            answer = {"memory": dataclasses.asdict(memory) | {"total": memory.total}, "sent": sent}
        except TooLargeError as error:
            answer = {"memory": None, "sent": None, "said": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _serve()
