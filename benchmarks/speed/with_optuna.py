"""Optuna's samplers, given results that are already there by `add_trial`, as its documentation shows."""

from __future__ import annotations

from typing import Any

import optuna

from benchmarks.peers import with_optuna


class Peer(with_optuna.Peer):
    def add(self, a: dict[str, Any], values: list[float]) -> None:
        """A result that somebody else asked for; real parameters and optimized metrics only."""
        ranges = {
            p.name: optuna.distributions.FloatDistribution(p.low, p.high, log=p.log)
            for p in self.case.problem.space.parameters
        }
        self.study.add_trial(optuna.create_trial(params=a, distributions=ranges, values=values))
