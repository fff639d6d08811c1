"""The log of a server: one line an event in both forms, whatever a client puts into it; nothing of single packets."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from mrsr.errors import UserError
from mrsr.streaming.logs import log_to


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the log goes; logging is as before afterwards."""
    root = logging.getLogger()
    names = ("mrsr", "aioice", "aiortc", "jax", "absl")
    before = root.handlers[:], root.level, {name: logging.getLogger(name).level for name in names}
    yield io.StringIO()
    logging.captureWarnings(False)
    root.handlers[:], root.level, levels = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def say() -> None:
    """Events as the server logs them, one of them with a line break of a client's."""
    log = logging.getLogger("mrsr.streaming.gate")
    log.info("%s joins", "Ada", extra={"room": "r", "peer": "a1", "role": "both"})
    log.warning("refused: %s", "x\n2026-01-01 00:00:00,000 INFO forged")
    try:
        raise ValueError("inner\nsecond")
    except ValueError:
        log.exception("failed")
    logging.getLogger("aioice.ice").info("Check CandidatePair State.FROZEN")
    logging.getLogger("mrsr.streaming.gate").debug("too much")


def test_as_json_each_line_is_an_object_that_says_who_and_when(stream: io.StringIO) -> None:
    log_to("json", stream)
    began = datetime.now(UTC)
    say()
    joined, refused, failed = (json.loads(line) for line in stream.getvalue().splitlines())
    moment = datetime.fromisoformat(joined.pop("time"))
    assert abs((moment - began).total_seconds()) < 60
    assert joined == {
        "level": "info",
        "logger": "mrsr.streaming.gate",
        "event": "Ada joins",
        "room": "r",
        "peer": "a1",
        "role": "both",
    }
    assert refused["event"].startswith("refused: x\n")
    assert (failed["level"], failed["event"]) == ("error", "failed")
    assert "ValueError: inner" in failed["error"]


def test_as_text_no_words_of_a_client_pass_for_a_line_of_their_own(stream: io.StringIO) -> None:
    log_to("text", stream)
    say()
    joined, refused, *trace = stream.getvalue().splitlines()
    assert joined.endswith("INFO mrsr.streaming.gate: Ada joins room=r peer=a1 role=both")
    assert "WARNING mrsr.streaming.gate: refused: x " in refused
    assert refused.endswith("forged")
    assert trace[0].endswith("ERROR mrsr.streaming.gate: failed")
    assert "ValueError: inner" in trace


def test_another_form_is_refused() -> None:
    with pytest.raises(UserError, match="'xml': expected text, json"):
        log_to("xml")
