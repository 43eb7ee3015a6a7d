"""What the demo prints: numbers a person can read, and the recommended option where it stands in the table."""

from __future__ import annotations

import doctest
import io
from collections.abc import Mapping

import pytest
from rich.console import Console

from examples.digits import show
from tradespace import Front, FrontPoint, Measurement, Recommendation

VALUES: Mapping[str | None, Measurement] = {
    "accuracy": Measurement(0.98163, 0.0024),
    "cost_usd": Measurement(0.0021, 0.0001),
}
CHEAP: Mapping[str, str | float] = {"family": "svm", "components": 20, "svm_c": 1.0}
GOOD: Mapping[str, str | float] = {"family": "svm", "components": 57, "svm_c": 131.4}
FRONT = Front(
    points=(FrontPoint("8", GOOD, VALUES), FrontPoint("5", CHEAP, VALUES)),
    hypervolume=1.0,
    generation=9,
    data_generation=9,
    ref_point={},
    recommended=Recommendation(CHEAP, VALUES, "After 9 trials, 2 options are worth considering."),
)


def test_the_examples_of_its_docstrings_hold() -> None:
    assert doctest.testmod(show).failed == 0


@pytest.mark.parametrize(("width", "accuracy"), [(120, "0.982 ± 0.002"), (80, "0.982")])
def test_the_table_fits_the_terminal_and_marks_the_recommended_option(
    width: int, accuracy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = io.StringIO()
    console = Console(file=shown, width=width)
    monkeypatch.setattr(show, "console", console)
    console.print(show.front_table(FRONT))
    lines = shown.getvalue().splitlines()
    picked = next(line for line in lines if "*" in line)
    assert picked.split()[:3] == ["2", "*", "svm,"]
    assert accuracy in picked
    assert ("±" in picked) == ("±" in accuracy)
    assert all(len(line) <= width for line in lines)


def test_the_recommendation_names_the_option_of_the_table() -> None:
    told = show.recommendation(FRONT)
    assert told.startswith("Recommended: option 2, svm, components 20, svm_c 1. After 9 trials")


def test_without_a_terminal_there_is_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    console = Console(file=shown, width=80)
    monkeypatch.setattr(show, "console", console)
    with show.progress(40) as meter:
        for done in range(41):
            meter(done, "stored")
    lines = shown.getvalue().splitlines()
    assert len(lines) == 8
    assert lines[-1] == "  40/40 stored"
