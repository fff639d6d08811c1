"""The local launcher, with real processes: numbered lines, one death ends all, 75 starts again, signals go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from launch.local import main
from launch.processes import Job, environment

ROOT = Path(__file__).resolve().parents[3]
# Waits for the others through files, so that no test guesses how long a start takes.
PRELUDE = """
import os, pathlib, signal, sys, time
me, count = int(os.environ["MRSR_PROCESS_ID"]), int(os.environ["MRSR_PROCESS_COUNT"])
here = pathlib.Path(sys.argv[1])
def meet(name):
    (here / f"{name}{me}").touch()
    while len(list(here.glob(f"{name}*"))) < count:
        time.sleep(0.01)
"""


def script(folder: Path, text: str) -> list[str]:
    path = folder / "script.py"
    path.write_text(PRELUDE + textwrap.dedent(text))
    return [sys.executable, str(path), str(folder)]


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_every_process_is_told_its_place_and_its_lines_carry_its_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = script(tmp_path, 'print(me, count, os.environ["MRSR_COORDINATOR"]); print("aside", file=sys.stderr)')
    assert main(["--processes", "3", "--", *command]) == 0
    lines = lines_of(capsys)
    addresses = {line.rsplit(" ", 1)[1] for line in lines if "aside" not in line}
    assert len(addresses) == 1
    (address,) = addresses
    assert sorted(lines) == sorted(
        [f"[{index}] {index} 3 {address}" for index in range(3)] + [f"[{index}] aside" for index in range(3)]
    )


def test_virtual_devices_replace_a_number_that_was_set_and_leave_other_flags() -> None:
    base = {"XLA_FLAGS": "--xla_a=1 --xla_force_host_platform_device_count=8 --xla_b=2", "HOME": "x"}
    found = environment(Job(("true",), 2, 4), 7000, 1, base)
    assert found["XLA_FLAGS"].split() == ["--xla_a=1", "--xla_b=2", "--xla_force_host_platform_device_count=4"]
    assert (found["JAX_PLATFORMS"], found["HOME"]) == ("cpu", "x")


def test_a_process_that_dies_is_named_with_its_status_and_the_others_are_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = """
    def end(*_):
        print("asked"); sys.exit(0)
    signal.signal(signal.SIGTERM, end)
    meet("up")
    if me == 1:
        sys.exit(3)
    while True:
        time.sleep(60)
    """
    assert main(["--processes", "3", "--", *script(tmp_path, text)]) == 3
    assert sorted(lines_of(capsys)) == [
        "[0] asked",
        "[2] asked",
        "launch: process 1 ended with status 3; ending 0, 2 too",
    ]


def test_a_killed_process_is_named_and_one_that_does_not_listen_is_killed_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    meet("up")
    if me == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    while True:
        time.sleep(60)
    """
    assert main(["--grace", "0.2", "--", *script(tmp_path, text)]) == 128 + signal.SIGKILL
    assert lines_of(capsys) == ["launch: process 0 was ended by SIGKILL; ending 1 too"]


def test_what_a_process_started_ends_with_it(tmp_path: Path) -> None:
    text = """
    import subprocess
    if me == 0:
        pipe = os.open(here / "pipe", os.O_WRONLY)
        late = f"import os, time; time.sleep(20); os.write({pipe}, b'survived')"
        subprocess.Popen([sys.executable, "-c", late], pass_fds=[pipe])
    """
    os.mkfifo(tmp_path / "pipe")
    pipe = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert main(["--", *script(tmp_path, text)]) == 0
    os.set_blocking(pipe, True)
    # The end of the pipe comes when the last process that can write to it is gone.
    with os.fdopen(pipe, "rb") as left:
        assert left.read() == b""


def test_a_preempted_job_is_started_again_until_it_is_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = """
    starts = len(list(here.glob(f"start{me}.*")))
    (here / f"start{me}.{starts}").touch()
    sys.exit(75 if starts < 2 else 0)
    """
    assert main(["--", *script(tmp_path, text)]) == 0
    assert lines_of(capsys) == ["launch: preempted (status 75): start 2", "launch: preempted (status 75): start 3"]
    assert len(list(tmp_path.glob("start1.*"))) == 3


def test_restarts_have_the_limit_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--restarts", "1", "--", *script(tmp_path, "sys.exit(75)")]) == 75
    assert lines_of(capsys) == ["launch: preempted (status 75): start 2"]


def test_a_failure_is_not_started_again(tmp_path: Path) -> None:
    assert main(["--", *script(tmp_path, '(here / f"{me}.{os.getpid()}").touch(); meet("up"); sys.exit(1)')]) == 1
    assert len(list(tmp_path.glob("0.*"))) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_passed_to_every_process_and_ends_the_job_for_good(tmp_path: Path, number: int) -> None:
    text = f"""
    def save(*_):
        print("saved"); sys.exit(75)
    signal.signal({int(number)}, save)
    meet("up")
    print("ready")
    while True:
        time.sleep(60)
    """
    command = [sys.executable, "-m", "launch.local", "--", *script(tmp_path, text)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as launcher:
        assert launcher.stdout is not None
        assert {launcher.stdout.readline() for _ in range(2)} == {"[0] ready\n", "[1] ready\n"}
        os.kill(launcher.pid, number)
        assert sorted(launcher.stdout) == ["[0] saved\n", "[1] saved\n"]
    assert launcher.returncode == 75


def test_what_cannot_be_run_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--processes", "2"]) == 2
    assert main(["--processes", "0", "--", "true"]) == 2
    assert main(["--", "no-such-program"]) == 2
    none, zero, missing = capsys.readouterr().err.splitlines()
    assert "no command: expected" in none
    assert "0: expected a whole number, 1 or more" in zero
    assert "no-such-program" in missing
