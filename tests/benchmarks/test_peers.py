"""The peer runner: what is measured stays readable, and is not measured twice."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

from benchmarks.peers import environments, run, tables
from benchmarks.quality.run import lines

RESULTS = Path(run.OUT) / "peers.jsonl"


def options(**changes: object) -> SimpleNamespace:
    methods = [method for library in environments.LIBRARIES for method in library.methods]
    usual = {"problems": ["zdt3"], "methods": methods, "seeds": 2, "thresholds": "no", "budget": 60}
    return SimpleNamespace(**usual | changes)


def test_every_stored_line_is_a_whole_run_or_says_why_not() -> None:
    rows = lines(RESULTS)
    assert rows
    for row in rows:
        assert set(run.KEY) <= set(row)
        assert row.get("error") or len(row["curve"]) == row["budget"]
        assert all(a <= b + 1e-9 for a, b in zip(row.get("curve", []), row.get("curve", [])[1:], strict=False)), row


def test_a_run_that_is_there_is_not_run_again_and_a_failed_one_is() -> None:
    every = [row for _, row in run.wanted(options(), [])]
    assert len(every) == 2 * len(options().methods)
    there = [every[0] | {"curve": [0.0], "cpu_ms": 1.0}, every[1] | {"error": "out of memory"}]
    assert [row for _, row in run.wanted(options(), there)] == every[1:]


def test_thresholds_are_run_only_by_who_takes_them() -> None:
    assert {row["method"] for _, row in run.wanted(options(thresholds="yes"), [])} == {
        method for library in environments.LIBRARIES if library.thresholds for method in library.methods
    }
    assert not list(run.wanted(options(thresholds="yes", problems=["branin"]), []))


def test_a_run_appends_one_line_and_the_next_finds_nothing_to_do(tmp_path: Path) -> None:
    chosen = options(problems=["branin"], methods=["tradespace"], seeds=1, budget=3, minutes=1.0, limit_s=60.0)
    path = tmp_path / "peers.jsonl"
    assert run.run_missing(chosen, path) == {}
    (row,) = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(row["curve"]) == 3
    run.run_missing(chosen, path)
    assert len(path.read_text().splitlines()) == 1


def test_the_table_names_every_method_and_every_peer_that_is_missing() -> None:
    text = tables.table(lines(RESULTS), {"a-peer": "does not install here"})
    assert all(row["method"] in text for row in lines(RESULTS))
    assert "- a-peer: does not install here" in text


def test_a_run_that_takes_more_processor_time_than_it_may_is_ended_and_says_so() -> None:
    row = {"method": "tradespace", "problem": "d100", "thresholds": False, "seed": 0, "budget": 60}
    assert run.play(environments.OURS, row, limit_s=1.0) == row | {"error": "more than 1 s of processor time"}


def test_shares_that_are_level_share_a_rank() -> None:
    assert tables.ranks({"a": 0.9, "b": 0.95, "c": 0.901}) == {"a": 2.5, "b": 1.0, "c": 2.5}


def test_the_table_counts_the_evaluations_until_ours_was_at_the_best_peers_end() -> None:
    curves = {"tradespace": [0.0, 0.3, 0.6, 0.9], "slow": [0.0, 0.1, 0.2, 0.3], "slower": [0.0, 0.0, 0.0, 0.1]}
    shared = {"problem": "no-such", "thresholds": False, "seed": 0, "budget": 4, "cpu_ms": 1.0}
    text = tables.table([shared | {"method": name, "curve": curve} for name, curve in curves.items()], {})
    assert "| slow | 2 (50%) |" in text
    assert "in 1 of 1" in text


def test_a_failure_that_a_later_line_made_good_is_not_reported() -> None:
    row = {"method": "slow", "problem": "no-such", "thresholds": False, "seed": 0, "budget": 1}
    failed = row | {"error": "out of memory"}
    assert "out of memory" in tables.table([failed], {})
    assert "out of memory" not in tables.table([failed, row | {"curve": [0.1], "cpu_ms": 1.0}], {})


def test_every_peer_has_a_lock_whose_every_line_is_pinned_by_hashes() -> None:
    for library in environments.LIBRARIES[1:]:
        text = (environments.ROOT / "locks" / f"peers-{library.name}.lock").read_text()
        assert text.count("==") > 1
        pinned = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert all(line.endswith("\\") for line in pinned), library.name
