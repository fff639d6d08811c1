"""A file is there whole or not at all."""

import pytest

from mrsr.files import replaced


def test_the_name_appears_when_the_block_has_ended_and_nothing_else_stays(tmp_path):
    path = tmp_path / "clip.mp4"
    with replaced(path) as beside:
        beside.write_text("new")
        assert not path.exists()
        assert (beside.parent, beside.suffix) == (tmp_path, ".mp4")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_what_was_there_before(tmp_path, error):
    path = tmp_path / "clip.mp4"
    path.write_text("old")

    def fail():
        with replaced(path) as beside:
            beside.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_that_is_taken_by_a_folder_leaves_nothing_beside_it(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"), replaced(tmp_path / "taken") as beside:
        beside.write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
