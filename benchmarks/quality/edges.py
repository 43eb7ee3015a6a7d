"""What the search gains by ending on the edges of the box, on problems that no choice was made on: with and without.

    python -m benchmarks.quality.edges                  # runs what is missing (some ten minutes), prints the table
    python -m benchmarks.quality.edges --seeds 0        # prints it only

DTLZ5 to 7 (Deb et al. 2005) and the walking fish group (Huband et al. 2006) from pymoo, and three of this folder's own,
with new seeds. The fronts of DTLZ6 and WFG1 lie on edges and are hard to reach. Differences of hypervolume at the
budget's end as a share of the best run of the problem; the standard error is that of runs with the same seed.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import mean, stdev
from unittest import mock

from pymoo.problems import get_problem

from benchmarks.quality.problems import PROBLEMS, Case, box, minimised, vector
from benchmarks.quality.run import lines, run
from objectives import population, search
from objectives.problem import Problem

FIRST_SEED = 70
RESULTS = Path(__file__).parent / "results" / "edges.jsonl"


def _of_pymoo(name: str, m: int, judge: tuple[float, ...], **more: int) -> Case:
    made = get_problem(name, n_var=6, n_obj=m, **more)

    def f(a: dict) -> list[float]:
        return [float(value) for value in made.evaluate(made.xl + (made.xu - made.xl) * vector(a))]

    return Case(f"{name}_m{m}", Problem(box(6), minimised(m)), f, judge)


CASES = (
    _of_pymoo("dtlz5", 4, (1.1,) * 4),
    _of_pymoo("dtlz7", 3, (1.1, 1.1, 7.0)),
    _of_pymoo("wfg4", 3, (2.2, 4.4, 6.6), k=4),
    _of_pymoo("wfg2", 2, (2.2, 4.4), k=4),
    _of_pymoo("wfg1", 2, (3.2, 5.0), k=4),
    _of_pymoo("dtlz5", 3, (1.1,) * 3),
    _of_pymoo("wfg9", 2, (2.2, 4.4), k=4),
    _of_pymoo("dtlz6", 2, (3.0, 3.0)),
    _of_pymoo("dtlz7", 4, (1.1, 1.1, 1.1, 9.0)),
    *(PROBLEMS[name] for name in ("dtlz2_m4", "penicillin", "dtlz2_m3")),
)


@contextmanager
def _folded() -> Iterator[None]:
    """Have moves that would leave the box folded back inside, as before cf06f5c."""
    plain = {name: getattr(population, name) for name in ("perturb", "differential")}

    def without(name: str):
        return lambda *given, **more: plain[name](*given, **{**more, "edges": False})

    with mock.patch.multiple(population, perturb=without("perturb")), mock.patch.multiple(
        search, perturb=without("perturb"), differential=without("differential")
    ):  # fmt: skip
        yield


def _run_missing(seeds: int) -> None:
    done = {(r["problem"], r["thresholds"], r["edges"], r["seed"]) for r in lines(RESULTS)}
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        for case in CASES:
            for key in [(case.name, given, edges, seed) for given in (False, True) for edges in (True, False)]:
                if key not in done:
                    _run(case, *key)


def _run(case: Case, _name: str, given: bool, edges: bool, seed: int) -> None:
    asked = case.with_thresholds() if given else case
    if edges:
        marks = run(asked, seed, "auto", 1)["marks"]
    else:
        with _folded():
            marks = run(asked, seed, "auto", 1)["marks"]
    row = {"problem": case.name, "thresholds": given, "edges": edges, "seed": seed, "hv": marks[str(case.budget)]}
    with RESULTS.open("a") as file:
        file.write(json.dumps(row) + "\n")


def _print() -> None:
    found: dict[str, dict[tuple[bool, int], dict[bool, float]]] = defaultdict(lambda: defaultdict(dict))
    for row in lines(RESULTS):
        found[row["problem"]][row["thresholds"], row["seed"]][row["edges"]] = row["hv"]
    for problem, runs in sorted(found.items()):
        best = max(max(pair.values()) for pair in runs.values())
        gains = [(pair[True] - pair[False]) / best for pair in runs.values() if len(pair) == 2]
        error = stdev(gains) / math.sqrt(len(gains)) if len(gains) > 1 else math.nan
        print(f"{problem:<14} {mean(gains):+.3f} ({error:.3f})  {len(gains)} pairs of runs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=6)
    _run_missing(parser.parse_args().seeds)
    _print()


if __name__ == "__main__":
    main()
