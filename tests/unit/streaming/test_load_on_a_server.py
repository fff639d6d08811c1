"""`mrsr load`: what it refuses, who is in which process, and its figures over a real gateway."""

import asyncio
import json
import subprocess
import sys

import pytest
from apart import apart

from mrsr.cli.load import add_arguments
from mrsr.cli.main import main
from mrsr.errors import RunError, UserError
from mrsr.streaming.client import load as loading
from mrsr.streaming.client.load import Load
from mrsr.streaming.client.settings import ClientSettings
from mrsr.streaming.protocol import Want


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["ftp://x"], "URL 'ftp://x'"),
        (["http://["], "URL 'http://['"),
        (["http://x:99999"], "URL 'http://x:99999'"),
        (["http://x", "--size", "²x180"], "--size ²x180"),
        (["http://x", "--size", "320"], "--size 320"),
        (["http://x", "--size", "321x180"], "size 321x180: expected even sides"),
        (["http://x", "--fps", "0"], "fps 0"),
        (["http://x", "--policy", "mine"], "--policy mine"),
        (["http://x", "--codec", "AV1"], "codec 'AV1'"),
        (["http://x", "--rooms", "0"], "--rooms 0"),
        (["http://x", "--seconds", "0"], "--seconds 0"),
        (["http://x", "--processes", "0"], "--processes 0"),
        (["http://x", "--to", "1"], "--to 1"),
        (["http://x", "--token-key", "nowhere"], "token keys nowhere"),
        (["http://x", "--json", "nowhere/x.json"], "--json nowhere/x.json"),
        (["http://x", "--pid", "999999999"], "process 999999999"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_refused_in_one_line(arguments, named, capsys) -> None:
    assert main(["load", *arguments]) == 2
    error = capsys.readouterr().err
    assert named in error
    assert error.count("\n") == 1


def test_a_room_is_whole_in_one_process_and_rooms_are_spread() -> None:
    client = ClientSettings("http://x", "load", want=Want(height=360))
    crowds = Load(client, rooms=3, viewers=2, processes=2).crowds()
    rooms = [{each.room for each in crowd} for crowd in crowds]
    assert rooms == [{"load-0", "load-2"}, {"load-1"}]
    assert [each.role for each in crowds[1]] == ["publish", "subscribe", "subscribe"]
    assert len({each.name for crowd in crowds for each in crowd}) == 9
    assert [each.want.height for each in crowds[1]] == [None, 360, 360]


def test_settings_of_a_client_survive_json_and_others_are_refused() -> None:
    client = ClientSettings("http://x", "r", "both", size=(640, 360), want=Want("destination", 720))
    assert ClientSettings.from_json(json.loads(json.dumps(client.as_json()))) == client
    with pytest.raises(UserError, match="unexpected keyword argument 'colour'"):
        ClientSettings.from_json({"url": "http://x", "room": "r", "colour": "red"})
    with pytest.raises(UserError, match=r"want\.policy"):
        ClientSettings.from_json({"url": "http://x", "room": "r", "want": {"policy": "mine"}})


FIGURES = 'print(\'{"figures": {}, "usage": {}}\', flush=True)'
HANGS = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('{}', flush=True); time.sleep(60)"


def loaded(monkeypatch, programs, told=lambda *_: None, **changes):
    """A load whose processes of participants run these programs instead."""

    async def started(*_):
        return loading._Crowd(
            await asyncio.create_subprocess_exec(sys.executable, "-c", programs.pop(0), stdout=subprocess.PIPE)
        )

    monkeypatch.setattr(loading, "_started", started)
    load = Load(ClientSettings("http://x", "load"), rooms=len(programs), processes=len(programs), **changes)
    return asyncio.run(asyncio.wait_for(loading.run(load, told), 30))


def test_participants_who_do_not_end_are_ended(monkeypatch) -> None:
    monkeypatch.setattr(loading, "_START_S", 0.0)
    monkeypatch.setattr(loading, "_END_S", 0.2)
    with pytest.raises(RunError, match="does not end"):
        loaded(monkeypatch, [HANGS], seconds=1)


def test_a_process_that_ends_without_figures_is_told_while_the_others_go_on(monkeypatch) -> None:
    monkeypatch.setattr(loading, "_END_S", 0.2)
    with pytest.raises(RunError, match="ended with 3 and told nothing"):
        loaded(monkeypatch, ["import time; time.sleep(60)", "raise SystemExit(3)"], seconds=3600)


def test_a_server_that_ends_under_the_load_is_a_failure_and_no_bad_input(monkeypatch) -> None:
    server = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])

    def told(*_) -> None:
        server.kill()
        server.wait()

    with pytest.raises(RunError, match=f"the server ended under the load: process {server.pid}"):
        loaded(monkeypatch, [FIGURES], told, pid=server.pid)


def test_every_option_says_what_it_is_for() -> None:
    import argparse

    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert [action.dest for action in parser._actions if not action.help] == []


@apart
async def test_a_process_of_participants_that_is_asked_to_end_starts_no_more_of_them():
    import os
    import signal

    from mrsr.streaming.client import crowd
    from mrsr.streaming.client.participant import Participant

    began, told = [], []

    async def run(self):
        began.append(self.settings.name)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

    kept = Participant.run, crowd._tell
    Participant.run, crowd._tell = run, told.append
    try:
        many = [Participant.of(ClientSettings("http://x", "r", name=str(number))) for number in range(1000)]
        await asyncio.wait_for(crowd._run(many, 1.0), 30)
    finally:
        Participant.run, crowd._tell = kept
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
    assert began == ["0"]
    assert [*told[-1]["figures"]] == ["0"]


@apart
async def test_viewers_of_a_room_get_pictures_and_a_server_that_is_not_there_is_exit_1():
    import asyncio
    import dataclasses
    import os

    from calls import token
    from relaying import a_relay

    from mrsr.streaming.client.load import run

    told = []
    async with a_relay() as (url, _):
        # The room of the token is the load's first.
        client = ClientSettings(url, "load", token=token(room="load-0"), size=(160, 90))
        load = Load(client, viewers=1, seconds=4, pid=os.getpid())
        report = await asyncio.wait_for(run(load, lambda *progress: told.append(progress)), 40)
        viewer, publisher = report["clients"]["load-0-viewer-0"], report["clients"]["load-0-publisher"]
        assert viewer["error"] is None
        assert viewer["frames"] > 10
        assert viewer["unreadable"] == 0
        assert set(viewer["sizes"]) == {"160x90"}
        assert viewer["latency_ms"]["p50"] > 0
        assert publisher["error"] is None
        assert report["server_usage"][0]["pid"] == os.getpid()
        assert report["client_usage"][0]["memory_mib"] > 10
        assert told[-1][1] == 1
    nobody = await asyncio.wait_for(run(dataclasses.replace(load, seconds=1), lambda *_: None), 30)
    assert nobody["clients"]["load-0-viewer-0"]["frames"] == 0
