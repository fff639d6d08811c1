"""Every command of the documents is one that exists: its options, fields, files and targets; the cheap ones are run.

What no test runs is named in `NOT_RUN`, with the reason. The pages of additions: test_tutorials.py.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import skimage
from documents import ADDING, PAGES, ROOT, Command, blocks, commands, name_of, spans
from mrsr_commands import check_mrsr
from PIL import Image

from mrsr.cli.main import main, parser_of
from mrsr.config import ExperimentConfig
from mrsr.shipped import shipped

NOT_RUN = (
    (r"make ", "a target of the Makefile, which CI runs or which takes minutes"),
    (r"\.ci/run", "is what runs the tests"),
    (r"mrsr train .*--preflight", "needs libtpu and minutes; make test-tpu compiles for a slice"),
    (r"mrsr train .*--resume-check", "tests/contracts/test_resume_check.py runs it on a network of seconds"),
    (r"mrsr train .*--replay", "needs a step that was refused; tests/contracts/test_not_finite.py makes one"),
    (r"mrsr train", "minutes to hours; tests/contracts trains networks of seconds by the same command"),
    (r"mrsr study", "hours; its own tests run one on a network of seconds"),
    (r"mrsr export", "a minute; tests/contracts/test_export.py runs it on a small network"),
    (r"mrsr data (build|faces) (\.\./shared|runs/)", "minutes, on media outside the repository"),
    (r"mrsr (evaluate|upscale|bench) ", "needs a trained model and videos; their own tests run them on small ones"),
    (
        r"mrsr serve --replay-link ",
        "needs a recorded link; tests/unit/streaming/test_link_replay.py replays small ones",
    ),
    (r"mrsr (serve|load)", "a server until it is stopped; tests/unit/cli/test_serve.py and tests/e2e start it"),
    (r"python -m mrsr\.streaming\.tokens ", "writes a secret; tests/unit/streaming/test_tokens_and_relay.py runs it"),
    (r"python3? -m benchmarks\.", "measures for minutes; tests/unit/benchmarks imports every one of them"),
    (r"python -m launch\.local", "two processes that train; make test-long does that"),
    (r"python exported/", "asks a server, whose binary is in no registry; tests/unit/export speaks with a stand-in"),
    (r"(kubectl|xpk|docker|gcloud|apptainer) ", "needs a cluster, a registry or an account"),
    (r"saved_model_cli ", "needs an exported directory; tests/unit/export/test_saved_model.py runs it on one"),
    (r"(pip|apt-get) install|tensorboard ", "installs or serves what is not the project's"),
    (r"mkdir |cp |wait$", "the shell's own"),
)

RUN = (r"mrsr data (build VIDEOS|show runs/clips)", r"python -m launch\.(?!local).*--dry-run", r"mrsr models( tiny)?$")


def bare(command: Command) -> str:
    """The command as a line, without the folder its program lies in."""
    return " ".join((Path(command.words[0]).name, *command.words[1:]))


TOLD = [page for page in PAGES if page not in ADDING]
DOCUMENTED = {bare(command): command for page in TOLD for command in commands(page)}
MRSR = [command for command in DOCUMENTED.values() if Path(command.words[0]).name == "mrsr"]
MODULES = [command for command in DOCUMENTED.values() if command.words[1:2] == ("-m",)]
DRY_RUNS = [command for line, command in DOCUMENTED.items() if re.match(RUN[1], line)]


class _Parser(BaseException):
    """Carries a module's parser out of its `main`, which is stopped where it would parse."""


def parser_of_module(name: str, monkeypatch: pytest.MonkeyPatch) -> argparse.ArgumentParser:
    """The parser a module's `main` makes."""

    def stop(parser: argparse.ArgumentParser, *args: Any, **kwargs: Any) -> None:
        raise _Parser(parser)

    found = importlib.util.find_spec(name)
    file = f"{name}.__main__" if found and found.submodule_search_locations else name
    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", stop)
        patch.setattr(argparse.ArgumentParser, "parse_known_args", stop)
        patch.setattr(sys, "argv", [name, "--", "mrsr"])
        with pytest.raises(_Parser) as caught:
            importlib.import_module(file).main()
    parser: argparse.ArgumentParser = caught.value.args[0]
    return parser


def make_video(path: Path) -> None:
    """30 frames of 480x384 px: a camera that pans over a photograph."""
    path.parent.mkdir(parents=True)
    with Image.open(Path(skimage.__file__).parent / "data" / "coffee.png") as image:
        picture = np.array(image.convert("RGB"))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, width=480, height=384, options={"crf": "8"})
        stream.pix_fmt = "yuv420p"
        for step in range(30):
            image = np.ascontiguousarray(picture[8:392, 2 * step : 2 * step + 480])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode(None))


@pytest.mark.parametrize("command", MRSR, ids=str)
def test_a_command_of_mrsr_parses_with_its_config_and_overrides(command: Command) -> None:
    check_mrsr(command.words[1:])


@pytest.mark.parametrize("command", MODULES, ids=str)
def test_a_module_exists_and_takes_its_options(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    module, words = command.words[2], list(command.words[3:])
    assert importlib.util.find_spec(module)
    if module.partition(".")[0] not in ("benchmarks", "launch", "data_pipelines"):
        return
    behind = words[words.index("--") + 1 :] if "--" in words else []
    words = words[: words.index("--")] if "--" in words else words
    # One capital letter stands for a number.
    words = ["1" if re.fullmatch(r"[A-Z]", word) else word for word in words]
    parser = parser_of_module(module, monkeypatch)
    if module.startswith("launch."):
        known = {option for action in parser._actions for option in action.option_strings} | {"--name", "--dry-run"}
        assert {word for word in words if word.startswith("--")} <= known
        assert behind[:1] == ["mrsr"]
        check_mrsr(behind[1:])
    else:
        _, rest = parser.parse_known_args(words)
        assert all(word.startswith("--config.") for word in rest), rest


@pytest.mark.parametrize("page", TOLD, ids=name_of)
def test_a_command_in_a_sentence_names_what_exists(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if page.name == "CHANGELOG.md":
        pytest.skip("it tells of what was")
    for span in spans(page):
        assert unknown(span, monkeypatch) == [], f"{span}: not there"


def unknown(span: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What of a command or field in a sentence does not exist."""
    words = re.sub(r"[\[\]]", " ", span).split() or [""]
    options = {word.partition("=")[0].rstrip(",.") for word in words if re.match(r"--[a-z]", word)}
    program, behind = Path(words[0]).name, words[1:]
    if program == "mrsr" and behind and not behind[0].isupper() and not behind[0].startswith("-"):
        known = options_of_mrsr(behind)
        return sorted(option for option in options - known if not option.startswith("--config."))
    if re.fullmatch(r"python3?", program) and behind[:1] == ["-m"] and not behind[1].endswith("NAME"):
        if not importlib.util.find_spec(behind[1]):
            return [behind[1]]
        ours = behind[1].startswith("benchmarks.")
        return sorted(options - {*parser_of_module(behind[1], monkeypatch)._option_string_actions}) if ours else []
    if program == "make" and behind and behind[0].islower():
        return not_targets(behind)
    return not_fields(words[0])


def options_of_mrsr(words: Sequence[str]) -> set[str]:
    """The options of a command and, where there is one, of its task."""
    parser = parser_of(words[0])
    known = {*parser._option_string_actions}
    for word in words:
        action = next((one for one in parser._actions if isinstance(one, argparse._SubParsersAction)), None)
        if action is None:
            break
        assert word in action.choices, word
        parser = action.choices[word]
        known |= {*parser._option_string_actions}
    return known


def not_fields(word: str) -> list[str]:
    """A field that a sentence names, as `--config.train.steps=100` or `data.workers`, and the schema has not."""
    found = re.match(r"(?:--config\.)?((?:model|data|loss|optimizer|train|stop|gate)\.\w[\w.]*)(?==|$)", word)
    if not found or found[1].endswith((".json", ".png")):
        return []
    value: Any = ExperimentConfig()
    for name in found[1].rstrip(".").split("."):
        if not hasattr(value, name):
            return [found[1]]
        value = getattr(value, name)
    return []


def not_targets(words: Sequence[str]) -> list[str]:
    """What follows `make` and is neither a target nor a variable."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    return [word for word in words if "=" not in word and word.rstrip(",") not in targets]


def test_make_has_the_targets_of_every_block() -> None:
    made = [command.words[1:] for command in DOCUMENTED.values() if command.words[0] == "make"]
    assert made
    assert [not_targets(words) for words in made if not_targets(words)] == []


def test_every_command_is_run_or_said_not_to_be() -> None:
    patterns = [*RUN, *(pattern for pattern, _ in NOT_RUN)]
    assert [line for line in DOCUMENTED if not any(re.match(pattern, line) for pattern in patterns)] == []


def test_a_block_with_a_command_is_marked_as_shell() -> None:
    program = re.compile(r"^(\.venv/bin/)?(mrsr|python3?|make|pip) ", re.MULTILINE)
    assert [name_of(page) for page in PAGES for block in blocks(page, "") if program.search(block)] == []


@pytest.mark.parametrize("command", DRY_RUNS, ids=str)
def test_a_dry_run_of_a_launcher_prints_what_it_would_hand_over(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert importlib.import_module(command.words[2]).main(command.words[3:]) == 0
    printed = capsys.readouterr().out
    assert [word for word in command.words if word.startswith(("experiments/", "gs://")) and word not in printed] == []


@pytest.mark.slow
def test_a_folder_of_videos_becomes_a_data_set_and_a_picture_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_video(tmp_path / "VIDEOS" / "call.mp4")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    ran = [command for line, command in DOCUMENTED.items() if re.match(RUN[0], line)]
    assert len(ran) >= 2
    for command in ran:
        assert main(command.words[1:]) == 0, str(command)
    assert (tmp_path / "runs/clips/card.json").is_file()
    assert (tmp_path / "runs/clips.png").is_file()


def test_the_models_that_ship_are_listed_and_the_card_of_tiny_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    assert "models that ship" in capsys.readouterr().out
    assert main(["models", "tiny"]) == (0 if "tiny" in shipped() else 2)
