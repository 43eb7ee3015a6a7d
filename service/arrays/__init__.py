"""The bridge to `objectives`: rows become arrays here, and its answers values, and nowhere else."""

from service.arrays.best import Best, Reported, best_of, chosen_of
from service.arrays.posteriors import Prediction, predict
from service.arrays.problems import check_searchable, problem_of, quasi_random, strategy_names, task_of_turn
from service.arrays.rows import Measured, fitted, measured

__all__ = [
    "Best",
    "Measured",
    "Prediction",
    "Reported",
    "best_of",
    "check_searchable",
    "chosen_of",
    "fitted",
    "measured",
    "predict",
    "problem_of",
    "quasi_random",
    "strategy_names",
    "task_of_turn",
]
