"""Which member earns its place: strategies by name on the same problems and seeds, and how `auto` stands to the best.

    python -m benchmarks.quality.members --seeds 5 --strategies auto ucb trust_region --problems rugged --label members

Resumable, like `run`. `nk` is a combinatorial problem (Kauffman & Weinberger 1989): ten choices of three, what each is
worth depends on its two neighbours. `noisy` are held-out problems with noise of a seventh of each metric's deviation.
The last column is what the best of the others has before `auto`, the last line the mean over complete problems.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.quality.problems import Case, minimised
from benchmarks.quality.run import CASES, best_known, lines, run
from objectives.problem import Problem
from objectives.sampling import uniform_points
from objectives.space import Categorical, SearchSpace

__all__ = ["GROUPS", "cases_of"]

#: noise of the noisy versions, in standard deviations of a metric over the space
NOISE = 0.15
_NOISY = ("kursawe", "truss", "viennet", "rocket", "dtlz5", "levy4", "styblinski4", "zakharov5")
_RUGGED = ("griewank3", "schwefel2", "rastrigin2", "michalewicz4", "shekel", "eggholder", "styblinski4", "alpine3")
_SMOOTH = ("levy4", "ackley3", "rosenbrock4", "zakharov5", "hartmann6", "branin")
#: names of several problems at once; `thr:` before a name gives the judge's point as thresholds
GROUPS = {
    "rugged": _RUGGED,
    "smooth": _SMOOTH,
    "noisy": tuple(f"noisy_{name}" for name in _NOISY),
    "fronts": ("branin_currin", "dtlz2_m2", "dtlz2_m3", "zdt1", "zdt3", "vehicle", "c2dtlz2", "mixed", "conditional"),
    "combinatorial": tuple(f"nk{seed}" for seed in range(6)),
    "held_out_fronts": ("truss", "rocket", "kursawe", "viennet", "waves", "dtlz7_m2", "convex_dtlz2", "dtlz2_d20"),
}


def nk(seed: int, choices: int = 10, values: int = 3) -> tuple[Case, float]:
    """A landscape of choices that depend on each other, and its optimum above the judge (all 59,049 tried)."""
    tables = np.random.default_rng(seed).random((choices, values, values, values))
    kinds = tuple(str(v) for v in range(values))

    def worth(chosen: np.ndarray) -> np.ndarray:
        around = [np.roll(chosen, -k, axis=0) for k in range(3)]
        return np.mean([tables[i][tuple(part[i] for part in around)] for i in range(choices)], axis=0)

    def measure(a: dict) -> list[float]:
        return [-float(worth(np.array([int(a[f"x{i}"]) for i in range(choices)])))]

    space = SearchSpace(tuple(Categorical(f"x{i}", kinds) for i in range(choices)))
    best = worth(np.indices((values,) * choices).reshape(choices, -1)).max()
    return Case(f"nk{seed}", Problem(space, minimised(1)), measure, (-0.5,)), float(best) - 0.5


COMBINATORIAL = {f"nk{seed}": nk(seed) for seed in range(6)}


def noisy(case: Case) -> Case:
    """The case with noise on every metric."""
    X = uniform_points(case.problem.space, 256, np.random.default_rng(0))
    spread = np.std([case.function(a) for a in case.problem.space.decode(X)], axis=0)
    return replace(case, name=f"noisy_{case.name}", noise=tuple((NOISE * spread).tolist()))


def case_of(name: str) -> Case:
    """The case of a name, of the tables or made noisy, with thresholds behind `thr:`."""
    plain = name.removeprefix("thr:")
    if plain in COMBINATORIAL:
        return COMBINATORIAL[plain][0]
    case = CASES[plain] if plain in CASES else noisy(CASES[plain.removeprefix("noisy_")])
    return case.with_thresholds() if name.startswith("thr:") else case


def cases_of(names: list[str]) -> list[str]:
    """Names with the groups among them opened up."""
    return [one for name in names for one in GROUPS.get(name, (name,))]


def share(row: dict) -> float:
    """What a run reached at its end, as a share of the best known."""
    name = row["problem"].removeprefix("thr:")
    best = best_known() | {known: optimum for known, (_, optimum) in COMBINATORIAL.items()}
    return float(row["marks"]["60"] / best.get(name, best.get(name.removeprefix("noisy_"), 1.0)))


def table(rows: list[dict], strategies: list[str]) -> None:
    """Median, and mean, of the shares by problem and strategy."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        found[row["problem"]][row["strategy"]].append(share(row))
    print(f"{'problem':<26}{'n':<3}" + "".join(f"{name[:14]:>15}" for name in strategies) + "   best-auto")
    whole = []
    for problem, by in found.items():
        medians = [float(np.median(by[name])) if by[name] else np.nan for name in strategies]
        means = [float(np.mean(by[name])) if by[name] else np.nan for name in strategies]
        cells = "".join(f"{a:9.3f} {b:.3f}" for a, b in zip(medians, means, strict=True))
        others = [a for a, name in zip(medians, strategies, strict=True) if name != "auto"]
        behind = np.nanmax(others) - medians[strategies.index("auto")] if "auto" in strategies and others else np.nan
        print(f"{problem:<26}{max(map(len, by.values())):<3}{cells}   {behind:.3f}")
        whole.append(medians + means)
    complete = np.array([row for row in whole if not np.isnan(row).any()])
    if len(complete):
        mean = complete.mean(axis=0)
        half = len(strategies)
        cells = "".join(f"{mean[i]:9.3f} {mean[half + i]:.3f}" for i in range(half))
        print(f"{f'mean of {len(complete)} problems':<29}{cells}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", nargs="*", default=["rugged", "smooth"])
    parser.add_argument("--strategies", nargs="*", default=["auto", "ucb", "trust_region"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--label", default="members")
    parser.add_argument("--out", type=Path, default=Path("var/benchmarks"))
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    path = options.out / f"{options.label}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    names = cases_of(options.problems)
    if not options.table:
        run_missing(names, options.strategies, options.seeds, path)
    table([row for row in lines(path) if row["problem"] in names], options.strategies)


def run_missing(names: list[str], strategies: list[str], seeds: int, path: Path) -> None:
    done = {(row["problem"], row["strategy"], row["seed"]) for row in lines(path)}
    for seed in range(seeds):
        for name in names:
            for strategy in strategies:
                if (name, strategy, seed) in done:
                    continue
                row = {"problem": name, "strategy": strategy, "seed": seed}
                with path.open("a") as file:
                    file.write(json.dumps(row | run(case_of(name), seed, strategy, 1)) + "\n")


if __name__ == "__main__":
    main()
