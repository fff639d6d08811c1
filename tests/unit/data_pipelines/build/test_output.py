"""One build at a time writes to a folder; what it leaves beside it is for the next, or gone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from data_pipelines.build.output import NothingKeptError, check_output, work_folder
from mrsr.errors import UserError


def test_another_process_is_refused_while_one_builds(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from data_pipelines.build.output import work_folder\n"
        "with work_folder(Path(sys.argv[1])): print('mine', flush=True); sys.stdin.read()"
    )
    output = tmp_path / "set"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(output)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "mine\n"
        with pytest.raises(UserError, match="set: another build writes there"), work_folder(output):
            pass
        other.kill()
    with work_folder(output):
        pass
    assert list(tmp_path.iterdir()) == []


def stopped(output: Path, error: type[BaseException], *names: str) -> None:
    """A build that has written files of these names when it ends by `error`."""
    with work_folder(output) as work:
        for name in names:
            (work / name).write_bytes(b"x")
        raise error


def test_what_a_stopped_build_kept_stays_and_goes_with_the_next(tmp_path: Path) -> None:
    output = tmp_path / "set"
    with pytest.raises(KeyboardInterrupt):
        stopped(output, KeyboardInterrupt, "a.clips")
    with work_folder(output) as work:
        assert (work / "a.clips").read_bytes() == b"x"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("error", "names"), [(UserError, []), (NothingKeptError, ["a.clips"])])
def test_nothing_is_left_where_there_is_nothing_to_go_on_from(
    tmp_path: Path, error: type[Exception], names: list[str]
) -> None:
    with pytest.raises(error):
        stopped(tmp_path / "set", error, *names)
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_is_a_link_is_written_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "set")
    assert check_output(tmp_path / "link", overwrite=False) == tmp_path / "disk" / "set"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(UserError, match="loop: is a link that leads nowhere"):
        check_output(tmp_path / "loop", overwrite=False)
