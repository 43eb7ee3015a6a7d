"""The pauses between attempts grow, differ from producer to producer, and end in time."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tradespace import Client, InvalidInputError, Producer
from tradespace._budget import LONGEST_PAUSE_S, Budget


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, pause: float) -> None:
        self.pauses.append(pause)
        self.now += pause


def test_the_pauses_never_go_beyond_the_budget() -> None:
    clock = Clock()
    budget = Budget(30, clock=clock, sleep=clock.sleep, dice=lambda: 1.0)
    while budget.pause():
        assert budget.remaining_s > 0
    assert sum(clock.pauses) < 30
    assert max(clock.pauses) == LONGEST_PAUSE_S
    assert budget.attempts == len(clock.pauses) + 1


def test_the_dice_decide_how_long_a_pause_is() -> None:
    clock = Clock()
    budget = Budget(30, clock=clock, sleep=clock.sleep, dice=iter([0.5, 0.0, 1.0]).__next__)
    assert [budget.pause() for _ in range(3)] == [True, True, True]
    assert clock.pauses == [0.05, 0.0, 0.4]


def test_a_wait_that_does_not_fit_is_not_begun() -> None:
    clock = Clock()
    budget = Budget(30, clock=clock, sleep=clock.sleep)
    assert not budget.pause(at_least_s=31)
    assert clock.pauses == []


@pytest.mark.parametrize("timeout", [0, -1, math.nan, math.inf, None, "5", True])
def test_a_timeout_that_cannot_pass_is_refused(timeout: Any) -> None:
    with pytest.raises(InvalidInputError, match="timeout"):
        Producer("redis://127.0.0.1:1/0", timeout=timeout)
    with pytest.raises(InvalidInputError, match="timeout"):
        Client("http://127.0.0.1:1", "ts_x", timeout=timeout)
