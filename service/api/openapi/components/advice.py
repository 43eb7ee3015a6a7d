"""When to stop, best practices, advice."""

from __future__ import annotations

from typing import Final

from service.api.openapi.shapes import ID, NUMBER, TRUTH, Schema, list_of, nullable, one_of, ref, text, thing

__all__ = ["COMPONENTS"]

COMPONENTS: Final[dict[str, Schema]] = {
    "stopping_criteria": thing(
        "stopping_criteria",
        "Whether it is time to stop, and why.",
        should_stop=TRUTH,
        reasons=list_of(one_of("possible_stagnation", "observation_budget_reached")),
    ),
    "best_practices": thing(
        "best_practices",
        "What is against best practice, in a sentence each.",
        violations=list_of(text("number of open suggestions (3) exceeds parallel_bandwidth (1, since none is set)")),
    ),
    "worth": thing(
        None,
        "What it would bring, as far as that was measured: the middle half of what was seen, and its middle.",
        measure=text("hypervolume, as a share of what can be reached"),
        low=NUMBER,
        median=NUMBER,
        high=NUMBER,
        evidence=text("docs/benchmarks/quality.txt: 15 problems, 30 measurements"),
    ),
    "advice_item": thing(
        "advice_item",
        "One thing worth doing.",
        code=one_of(
            "thresholds_missing",
            "open_suggestions",
            "budget_too_small",
            "budget_exceeded",
            "failing_trials",
            "metric_constant",
            "models_stale",
        ),
        severity=one_of("info", "warning", "critical"),
        message=text("no threshold is set on accuracy, latency_ms"),
        field=nullable(text("metrics", "Which field of the experiment would change it.")),
        worth=nullable(ref("worth")),
    ),
    "advice": thing(
        "advice", "What is worth doing, the worst first.", experiment=ID, items=list_of(ref("advice_item"))
    ),
}
