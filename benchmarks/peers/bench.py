"""`make bench`: benchmarks/quality and benchmarks/speed, their tables and plots into docs/benchmarks/.

Quality runs only what is missing in benchmarks/quality/results; words given here (`--seeds 15`) go to it.
Speed is measured anew each time, on one thread.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import matplotlib as mpl

from benchmarks.peers.run import ONE_THREAD, OUT

mpl.use("Agg")
from matplotlib import pyplot as plt


def output(*words: str) -> str:
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, env=os.environ | ONE_THREAD, stdout=subprocess.PIPE, text=True, check=True).stdout


def plot_speed(rows: list[dict[str, Any]]) -> None:
    figure, axis = plt.subplots(figsize=(5, 3.5), layout="constrained")
    for m in sorted({row["m"] for row in rows}):
        mine = [row for row in rows if row["m"] == m]
        axis.loglog([r["n"] for r in mine], [r["fit_ms"] + r["one_ms"] for r in mine], "o-", label=f"{m} metrics")
    axis.set(xlabel="observations", ylabel="CPU ms: fit and one suggestion")
    axis.legend(fontsize=8)
    figure.savefig(OUT / "speed.png", dpi=110)


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    words = ["--label", "auto", "--out", "benchmarks/quality/results", *sys.argv[1:]]
    quality = output("benchmarks.quality.run", *words)
    (OUT / "quality.txt").write_text(quality)
    print(quality, flush=True)
    speed = output("benchmarks.speed.run")
    (OUT / "speed.jsonl").write_text(speed)
    print(speed)
    plot_speed([json.loads(line) for line in speed.splitlines()])


if __name__ == "__main__":
    main()
