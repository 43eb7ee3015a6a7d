"""The peers' lines as a Markdown table, ours beside them, and as one plot of curves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.environments import LIBRARIES
from benchmarks.quality.run import best_known

OURS = "tradespace"
#: shares this near to one another are level
LEVEL = 0.002
#: evaluations of a run, unless its row says otherwise; the share of them that ours should need
USUAL, SOON = 60, 0.6
Group = dict[str, list[dict[str, Any]]]
Key = tuple[str, bool, int]


def groups(rows: list[dict[str, Any]]) -> dict[Key, Group]:
    """Runs with a result by (problem, thresholds, budget) and method; one that takes no thresholds stands in both."""
    good = [row for row in rows if "error" not in row]
    keys = sorted({(row["problem"], row["thresholds"], row["budget"]) for row in good})
    told = {method for library in LIBRARIES if library.thresholds for method in library.methods}
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


def final_shares(group: Group, problem: str) -> dict[str, float]:
    """Method -> its median share at the end."""
    return {method: float(median_curve(runs, problem)[-1]) for method, runs in group.items()}


def reached(ours: np.ndarray, theirs: np.ndarray) -> int | None:
    """Evaluations after which our median is at the peer's final one."""
    at = np.flatnonzero(ours >= theirs[-1])
    return int(at[0]) + 1 if len(at) else None


def ranks(shares: dict[str, float]) -> dict[str, float]:
    """1 for the largest share; those within LEVEL of one another share a rank."""
    every = np.array(list(shares.values()))
    return {
        method: 1.0 + float((every > share + LEVEL).sum()) + (float((np.abs(every - share) <= LEVEL).sum()) - 1) / 2
        for method, share in shares.items()
    }


def table(rows: list[dict[str, Any]], missing: dict[str, str]) -> str:
    """Markdown: every problem with its methods, ours against each peer, times, the runs that failed, and why peers are
    missing."""
    found = groups(rows)
    methods = sorted({method for group in found.values() for method in group}, key=lambda name: (name != OURS, name))
    text = [*by_problem(found, methods), *by_peer(found, methods), *times(found, methods)]
    failed = {f"- {r['method']} on {r['problem']}, seed {r['seed']}: {r['error']}": None for r in unfinished(rows)}
    text += ["", "## Runs that failed", "", *failed] if failed else []
    text += ["", "## Not run", "", *(f"- {name}: {reason}" for name, reason in missing.items())] if missing else []
    return "\n".join(text) + "\n"


def unfinished(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Failed runs that no later line made good."""
    key = ("method", "problem", "thresholds", "seed", "budget")
    done = {tuple(row[k] for k in key) for row in rows if "error" not in row}
    return [row for row in rows if "error" in row and tuple(row[k] for k in key) not in done]


def by_problem(found: dict[Key, Group], methods: list[str]) -> list[str]:
    """A row a problem: each method's median final share (seeds), and when ours was at the best peer's."""
    text = ["## Median share of the best known at the end (seeds)", ""]
    text.append("| problem | thr | " + " | ".join(methods) + " | best peer | ours there after |")
    text.append("|---" * (len(methods) + 4) + "|")
    for (problem, given, budget), group in found.items():
        shares = final_shares(group, problem)
        top = max(shares.values())
        cells = []
        for method in methods:
            cell = f"{shares[method]:.3f} ({len(group[method])})" if method in shares else ""
            cells.append(f"**{cell}**" if cell and len(shares) > 1 and shares[method] >= top - LEVEL else cell)
        peers = {method: share for method, share in shares.items() if method != OURS}
        best, after = "", ""
        if peers and OURS in shares:
            best = max(peers, key=lambda name: peers[name])
            at = reached(median_curve(group[OURS], problem), median_curve(group[best], problem))
            after = f"{at} ({at / budget:.0%})" if at else "never"
        name = problem if budget == USUAL else f"{problem}, {budget} evaluations"
        text.append(f"| {name} | {'yes' if given else 'no'} | " + " | ".join(cells) + f" | {best} | {after} |")
    return [*text, "", *early(found)]


def early(found: dict[Key, Group]) -> list[str]:
    """How often ours was at the best peer's final value with at most 60 % of the evaluations, and its mean rank."""
    hits, of, places = 0, 0, []
    for (problem, _, budget), group in found.items():
        if OURS not in group or len(group) == 1:
            continue
        shares = final_shares(group, problem)
        places.append(ranks(shares)[OURS])
        best = max((method for method in shares if method != OURS), key=lambda name: shares[name])
        at = reached(median_curve(group[OURS], problem), median_curve(group[best], problem))
        of, hits = of + 1, hits + (at is not None and at <= SOON * budget)
    if not of:
        return []
    rank = f"Mean rank of ours over these {of} rows: {np.mean(places):.2f}."
    return [f"{rank} The best peer's end was reached with {SOON:.0%} of the evaluations or fewer in {hits} of {of}."]


def by_peer(found: dict[Key, Group], methods: list[str]) -> list[str]:
    """A row a peer: how often ours is ahead where both were run, and the mean ranks of the two."""
    text = ["", f"## Ours against each (level: within {LEVEL})", ""]
    text += ["| peer | problems | ours ahead | level | behind | mean rank of ours | of the peer |", "|---" * 7 + "|"]
    for peer in [method for method in methods if method != OURS]:
        both = [(group, key[0]) for key, group in found.items() if peer in group and OURS in group]
        pairs = [{name: final_shares(group, problem)[name] for name in (OURS, peer)} for group, problem in both]
        places = [ranks(pair) for pair in pairs]
        ahead = sum(place[OURS] < place[peer] for place in places)
        behind = sum(place[OURS] > place[peer] for place in places)
        if places:
            mine, theirs = (np.mean([place[name] for place in places]) for name in (OURS, peer))
            text.append(f"| {peer} | {len(places)} | {ahead} | {len(places) - ahead - behind} | {behind} "
                        f"| {mine:.2f} | {theirs:.2f} |")  # fmt: skip
    return text


def times(found: dict[Key, Group], methods: list[str]) -> list[str]:
    """A row a method: the CPU milliseconds of one ask and tell near the end, over its problems."""
    text = ["", "## CPU ms of one ask and tell near the end: median and range over the problems", ""]
    text += ["| method | median | least | most |", "|---|---|---|---|"]
    for method in methods:
        spent = [
            float(np.median([run["cpu_ms"] for run in group[method]])) for group in found.values() if method in group
        ]
        text.append(f"| {method} | {np.median(spent):.1f} | {min(spent):.1f} | {max(spent):.1f} |")
    return text


def plots(rows: list[dict[str, Any]], out: Path) -> None:
    """Median curves, a panel a problem, to peers.png; without matplotlib (which comes with pymoo) there is none."""
    found = {key: group for key, group in groups(rows).items() if len(group) > 1}
    if not found:
        return
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    columns = min(5, len(found))
    height = -(-len(found) // columns)
    figure, axes = plt.subplots(
        height, columns, figsize=(3 * columns, 2.2 * height), squeeze=False, layout="constrained"
    )
    for panel in axes.flat[len(found) :]:
        panel.set_axis_off()
    methods = sorted({row["method"] for row in rows})
    for panel, ((problem, given, _), group) in zip(axes.flat, found.items(), strict=False):
        for method, runs in group.items():
            shares = median_curve(runs, problem)
            panel.plot(np.arange(1, len(shares) + 1), shares, label=method, color=f"C{methods.index(method)}")
        panel.set_title(problem + (", thresholds" if given else ""), fontsize=9)
    named = {line.get_label(): line for panel in axes.flat for line in panel.lines}
    figure.legend(named.values(), named.keys(), fontsize=8, ncols=len(named), loc="outside upper center")
    figure.supxlabel("evaluations", fontsize=9)
    figure.supylabel("median hypervolume, share of the best known", fontsize=9)
    figure.savefig(out / "peers.png", dpi=80)
    plt.close(figure)
