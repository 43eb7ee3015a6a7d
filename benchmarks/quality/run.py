"""How good the suggestions are: runs of the optimizer on known problems, one JSON line a run, and a table of them.

    python -m benchmarks.quality.run --seeds 5 --problems dtlz2_m2 zdt3 --label mine     # runs what is missing, prints
    python -m benchmarks.quality.run --table --label mine                                # prints only

Resumable: a run whose line is there is not run again. Hypervolume above the judge's point as a share of `best.json`
(a long evolutionary run on the noise-free function; `--best` computes it). With one metric the hypervolume is the range
from the judge's value to the best one. cpu_ms: CPU time of one fit and suggestion, mean over the last ten.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from benchmarks.quality.held_out import HELD_OUT
from benchmarks.quality.problems import PROBLEMS, Case
from objectives.optimizer import Optimizer
from objectives.pareto import hypervolume

HERE = Path(__file__).parent
MARKS = (20, 30, 40, 60)
#: every problem by name; those that are run unless others are asked for are PROBLEMS
CASES = PROBLEMS | HELD_OUT


def score(case: Case, values: np.ndarray) -> float:
    """Hypervolume of the feasible rows above the judge's point; noise-free values are judged."""
    values = values[~np.isnan(values).any(axis=1)]
    limited = list(case.problem.constraint_index)
    ok = np.all([case.problem.metrics[j].acceptable(values[:, j]) for j in limited], axis=0) if limited else slice(None)
    return hypervolume(-values[ok][:, : case.problem.m], -np.array(case.judge))


def run(case: Case, seed: int, strategy: str, q: int) -> dict:
    """One run to the budget."""
    noise = np.random.default_rng(1000 + seed)
    optimizer = Optimizer(case.problem, seed=seed, strategy=strategy, budget=case.budget)
    true, took, marks = [], [], {}
    while len(true) < case.budget:
        start = time.process_time()
        asked = optimizer.ask(min(q, case.budget - len(true)))
        took.append(time.process_time() - start)
        for a in [asked] if isinstance(asked, dict) else asked:
            values = np.array(case.function(a), dtype=float)
            true.append(values)
            seen = values + noise.normal(size=len(values)) * np.array(case.noise) if case.noise else values
            failed = np.isnan(seen).any()
            optimizer.tell(a, None if failed else dict(zip([m.name for m in case.problem.metrics], seen, strict=True)))
            if len(true) in MARKS:
                marks[str(len(true))] = score(case, np.array(true))
    return {"marks": marks, "cpu_ms": 1e3 * float(np.mean(took[-10:]))}


def best_known() -> dict[str, float]:
    path = HERE / "best.json"
    return json.loads(path.read_text()) if path.exists() else {}


def compute_best(names: list[str]) -> None:
    """A long run of the engine's own moves on the noise-free function stands in for the true front."""
    from benchmarks.quality.best import long_run  # noqa: PLC0415

    known = best_known()
    for name in names:
        if name not in known:
            known[name] = long_run(CASES[name], score)
            print(name, known[name], flush=True)
            (HERE / "best.json").write_text(json.dumps(known, indent=1) + "\n")


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def table(rows: list[dict]) -> None:
    """Median and worst share at the end, median at each mark, by problem and variant."""
    best = best_known()
    keys = sorted({(r["problem"], r["thresholds"], r["strategy"], r["q"]) for r in rows}, key=str)
    print(
        f"{'problem':<20}{'thr':<4}{'strategy':<12}{'q':<3}{'n':<3}"
        + "".join(f"{m:>7}" for m in MARKS)
        + "  worst  cpu ms"
    )
    for key in keys:
        group = [r for r in rows if (r["problem"], r["thresholds"], r["strategy"], r["q"]) == key]
        scale = best.get(key[0], 1.0)
        shares = np.array([[r["marks"][str(m)] / scale for m in MARKS] for r in group])
        cells = "".join(f"{v:7.3f}" for v in np.median(shares, axis=0))
        cpu = np.median([r["cpu_ms"] for r in group])
        print(f"{key[0]:<20}{'yes' if key[1] else 'no':<4}{key[2]:<12}{key[3]:<3}{len(group):<3}{cells}"
              f"{shares[:, -1].min():7.3f}{cpu:8.1f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", nargs="*", default=list(PROBLEMS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--thresholds", choices=["yes", "no", "both"], default="both")
    parser.add_argument("--strategy", default="auto")
    parser.add_argument("--q", type=int, default=1)
    parser.add_argument("--label", default="run")
    parser.add_argument("--out", type=Path, default=Path("var/benchmarks"))
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--best", action="store_true")
    options = parser.parse_args()
    if options.problems == ["held_out"]:
        options.problems = list(HELD_OUT)
    if options.best:
        compute_best(options.problems)
        return
    path = options.out / f"{options.label}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not options.table:
        run_missing(options, path)
    table([row for row in lines(path) if row["problem"] in options.problems])


def run_missing(options: argparse.Namespace, path: Path) -> None:
    variants = {"yes": [True], "no": [False], "both": [True, False]}[options.thresholds]
    done = {(r["problem"], r["thresholds"], r["strategy"], r["q"], r["seed"]) for r in lines(path)}
    for seed in range(options.seeds):
        for name in options.problems:
            for given in variants:
                key = (name, given, options.strategy, options.q, seed)
                if key in done or (given and CASES[name].problem.m == 1):
                    continue
                case = CASES[name].with_thresholds() if given else CASES[name]
                row = dict(zip(("problem", "thresholds", "strategy", "q", "seed"), key, strict=True))
                with path.open("a") as file:
                    file.write(json.dumps(row | run(case, seed, options.strategy, options.q)) + "\n")


if __name__ == "__main__":
    main()
