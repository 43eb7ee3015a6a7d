"""How the operations are grouped for people who read them, in the order in which they are needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["GROUPS", "TAGS"]

#: The groups, with what each is about.
TAGS: Final[Mapping[str, str]] = {
    "Experiments": "What is being tuned: parameters, metrics and the rules between them.",
    "Suggestions": "The next configurations to try, and the people's own queue.",
    "Observations": "What was measured, its corrections, and what it was before.",
    "Results": "The Pareto front, the best, what the models know, which option to take, when to stop.",
    "Transfer": "Whole experiments and tables of observations, out and in.",
    "Webhooks": "Addresses that are told what happens, and what became of each delivery.",
    "Projects": "Folders of experiments and runs, notes about them, tags.",
    "Runs": "SigOpt's AI module: experiments that are made of training runs.",
    "Clients": "Teams, their tokens, and who is asking. Of users and organizations only what SigOpt's clients ask for.",
    "Service": "Whether it lives, and this document.",
}
#: The part of the code -> its group.
GROUPS: Final[Mapping[str, str]] = {
    "experiments": "Experiments",
    "experiment_lists": "Experiments",
    "suggestions": "Suggestions",
    "queued_suggestions": "Suggestions",
    "observations": "Observations",
    "fronts": "Results",
    "knowledge": "Results",
    "advice": "Results",
    "transfer": "Transfer",
    "webhooks": "Webhooks",
    "deliveries": "Webhooks",
    "projects": "Projects",
    "aiexperiments": "Runs",
    "training_runs": "Runs",
    "checkpoints": "Runs",
    "files": "Runs",
    "web_data": "Runs",
    "clients": "Clients",
    "tokens": "Clients",
    "sessions": "Clients",
    "health": "Service",
    "openapi": "Service",
}
