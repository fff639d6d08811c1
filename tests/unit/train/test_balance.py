"""A discriminator that wins or dies is named, once."""

from __future__ import annotations

from mrsr.train.balance import Balance


def lines_of(balance: Balance, accuracy: float, steps: int) -> list[str]:
    found: list[str] = []
    for _ in range(steps):
        found += balance.watch({"loss": 0.1, "frame/accuracy": accuracy, "motion/accuracy": 0.8, "frame/loss": 1.0})
    return found


def test_one_that_wins_is_named_once_and_again_after_it_recovered() -> None:
    balance = Balance()
    assert lines_of(balance, 1.0, 99) == []
    assert lines_of(balance, 1.0, 300) == ["discriminator frame wins: 100% of its decisions are right"]
    assert lines_of(balance, 0.7, 300) == []
    assert len(lines_of(balance, 1.0, 400)) == 1


def test_one_that_guesses_is_dying() -> None:
    assert lines_of(Balance(), 0.5, 200) == ["discriminator frame dies: 50% of its decisions are right"]


def test_a_game_in_balance_is_not_spoken_of() -> None:
    assert lines_of(Balance(), 0.75, 500) == []
