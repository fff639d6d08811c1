"""The engine's benchmark refuses what it cannot measure, in one line."""

import pytest

from benchmarks import engine


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--size", "x", "expected WIDTHxHEIGHT"),
        ("--size", "320x0", "expected WIDTHxHEIGHT"),
        ("--steps", "9", "at least 10"),
        ("--rounds", "0", "at least 1"),
        ("--seconds", "soon", "seconds above 0"),
        ("--model", "nowhere", "nowhere"),
        ("--model", "bicubic", "has no network"),
        ("--runtime", "tflite", "invalid choice: 'tflite'"),
        ("--runtime", "openvino", "runs exported directories alone"),
    ],
)
def test_a_wrong_option_is_refused_in_one_line(option, value, expected, capsys):
    with pytest.raises(SystemExit) as raised:
        engine.main([option, value])
    assert raised.value.code == 2
    assert expected in capsys.readouterr().err.splitlines()[-1]
