"""The peers' lines as a Markdown table, ours beside them, and as one plot of curves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality.run import best_known

OURS = "tradespace"
Group = dict[str, list[dict[str, Any]]]
Key = tuple[str, bool, int]


def groups(rows: list[dict[str, Any]]) -> dict[Key, Group]:
    """Runs with a result by (problem, thresholds, budget) and method; a method without thresholds stands in both."""
    good = [row for row in rows if "error" not in row]
    keys = sorted({(row["problem"], row["thresholds"], row["budget"]) for row in good})
    told = {row["method"] for row in good if row["thresholds"]}
    found: dict[Key, Group] = {}
    for problem, given, budget in keys:
        group: Group = {}
        for row in good:
            fits = row["thresholds"] == given or (given and row["method"] not in told)
            if (row["problem"], row["budget"]) == (problem, budget) and fits:
                group.setdefault(row["method"], []).append(row)
        found[problem, given, budget] = group
    return found


def median_curve(runs: list[dict[str, Any]], problem: str) -> np.ndarray:
    """Median share of the best known after each evaluation."""
    return np.median([run["curve"] for run in runs], axis=0) / best_known().get(problem, 1.0)


def reached(ours: np.ndarray, theirs: np.ndarray) -> str:
    """Evaluations after which our median is at the peer's final one."""
    at = np.flatnonzero(ours >= theirs[-1])
    return str(at[0] + 1) if len(at) else "never"


def lines_of(key: Key, group: Group) -> list[str]:
    """One row a method, the best first."""
    problem, given, budget = key
    curves = {method: median_curve(runs, problem) for method, runs in group.items()}
    cells = []
    for method in sorted(curves, key=lambda name: -curves[name][-1]):
        runs, shares = group[method], curves[method]
        worst = min(run["curve"][-1] for run in runs) / best_known().get(problem, 1.0)
        cpu = np.median([run["cpu_ms"] for run in runs])
        ours = reached(curves[OURS], shares) if OURS in curves and method != OURS else ""
        half = shares[len(shares) // 2 - 1]
        cells.append(f"| {problem} | {'yes' if given else 'no'} | {method} | {len(runs)} | {budget} | {half:.3f} "
                     f"| {shares[-1]:.3f} | {worst:.3f} | {cpu:.1f} | {ours} |")  # fmt: skip
    return cells


def table(rows: list[dict[str, Any]], missing: dict[str, str]) -> str:
    """Markdown: every problem with its methods, then the runs that failed and the peers that are missing, with why."""
    text = ["| problem | thresholds | method | seeds | budget | half | end | worst | cpu ms | ours there after |"]
    text.append("|---|---|---|---|---|---|---|---|---|---|")
    for key, group in groups(rows).items():
        text += lines_of(key, group)
    for row in rows:
        if "error" in row:
            text.append(f"\nFailed: {row['method']} on {row['problem']}, seed {row['seed']}: {row['error']}")
    if missing:
        text.append("\nNot run:\n")
        text += [f"- {name}: {reason}" for name, reason in missing.items()]
    return "\n".join(text) + "\n"


def plots(rows: list[dict[str, Any]], out: Path) -> None:
    """Median curves, a panel a problem, to peers.png; without matplotlib (which comes with pymoo) there is none."""
    found = groups(rows)
    if not found:
        return
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    columns = min(3, len(found))
    height = -(-len(found) // columns)
    figure, axes = plt.subplots(height, columns, figsize=(4 * columns, 3 * height), squeeze=False, layout="constrained")
    for panel in axes.flat[len(found) :]:
        panel.set_axis_off()
    methods = sorted({row["method"] for row in rows})
    for panel, ((problem, given, _), group) in zip(axes.flat, found.items(), strict=False):
        for method, runs in group.items():
            shares = median_curve(runs, problem)
            panel.plot(np.arange(1, len(shares) + 1), shares, label=method, color=f"C{methods.index(method)}")
        panel.set_title(problem + (", thresholds" if given else ""), fontsize=9)
    axes.flat[0].legend(fontsize=7)
    figure.supxlabel("evaluations", fontsize=9)
    figure.supylabel("median hypervolume, share of the best known", fontsize=9)
    figure.savefig(out / "peers.png", dpi=110)
    plt.close(figure)
