"""BoTorch as its tutorials on multi-objective and on mixed optimization set it up: qLogNEHVI, with one metric qLogNEI.

2 (d + 1) Sobol points, one Gaussian process a metric on standardised values (with categories the mixed kernel), 128
quasi-random samples, 10 restarts from 512 points; integers and categories by the alternating search. Limited metrics go
in as `constraints` on the samples. The reference point is the thresholds' or, without them, `infer_reference_point`'s.
Conditions, linear constraints and failed evaluations are refused, and so stand in the results as errors.
"""

from __future__ import annotations

import math
import warnings
from functools import partial
from typing import Any

import torch
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.acquisition.multi_objective.objective import IdentityMCMultiOutputObjective
from botorch.fit import fit_gpytorch_mll
from botorch.models import MixedSingleTaskGP, ModelListGP, SingleTaskGP
from botorch.models.transforms.outcome import Standardize
from botorch.optim import optimize_acqf, optimize_acqf_mixed_alternating
from botorch.sampling import SobolQMCNormalSampler
from botorch.utils.multi_objective.hypervolume import infer_reference_point
from botorch.utils.multi_objective.pareto import is_non_dominated
from gpytorch.mlls import SumMarginalLogLikelihood

from benchmarks.quality.problems import Case
from objectives.space import Categorical, Double, Int

warnings.filterwarnings("ignore")
torch.set_default_dtype(torch.double)


def place(p: Any, value: Any) -> float:
    """A value's coordinate: a category's number, everything else between 0 and 1."""
    if isinstance(p, Categorical):
        return float(p.values.index(value))
    scale = math.log if p.log else float
    return (scale(value) - scale(p.low)) / (scale(p.high) - scale(p.low))


def value_at(p: Any, u: float) -> Any:
    """The value nearest to a coordinate."""
    if isinstance(p, Categorical):
        return p.values[round(u)]
    value = p.low * (p.high / p.low) ** u if p.log else p.low + u * (p.high - p.low)
    value = min(max(value, p.low), p.high)
    return round(value) if isinstance(p, Int) else value


class Peer:
    def __init__(self, method: str, case: Case, seed: int) -> None:  # noqa: ARG002
        space, metrics = case.problem.space, case.problem.metrics
        self.parameters, self.seed = space.parameters, seed
        if space.constraints or any(p.conditions for p in self.parameters):
            raise ValueError("this adapter takes neither linear constraints nor conditions")
        torch.manual_seed(seed)
        self.signs = torch.tensor([1.0 if m.objective == "maximize" else -1.0 for m in metrics])
        self.wanted = [j for j, m in enumerate(metrics) if m.strategy == "optimize"]
        self.limits = {
            j: float(self.signs[j]) * m.threshold for j, m in enumerate(metrics) if m.strategy == "constraint"
        }
        given = [metrics[j].threshold for j in self.wanted]
        self.point = None if None in given else self.signs[self.wanted] * torch.tensor(given)
        self.categories = {i: len(p.values) for i, p in enumerate(self.parameters) if isinstance(p, Categorical)}
        d = len(self.parameters)
        self.first = torch.quasirandom.SobolEngine(d, scramble=True, seed=seed).draw(2 * (d + 1), dtype=torch.double)
        for i, count in self.categories.items():
            self.first[:, i] = (self.first[:, i] * count).floor()
        self.X, self.Y = torch.empty(0, d), torch.empty(0, len(metrics))

    def ask(self) -> dict[str, Any]:
        n = len(self.X)
        x = self.first[n] if n < len(self.first) else self.suggest()
        return {p.name: value_at(p, float(u)) for p, u in zip(self.parameters, x, strict=True)}

    def suggest(self) -> torch.Tensor:
        gp = partial(MixedSingleTaskGP, cat_dims=list(self.categories)) if self.categories else SingleTaskGP
        models = [gp(self.X, y[:, None], outcome_transform=Standardize(m=1)) for y in self.Y.T]
        model = ModelListGP(*models)
        fit_gpytorch_mll(SumMarginalLogLikelihood(model.likelihood, model))
        sampler = SobolQMCNormalSampler(torch.Size([128]), seed=self.seed)
        shared = {"X_baseline": self.X, "prune_baseline": True, "sampler": sampler}
        if self.Y.shape[1] == 1:
            acquisition = qLogNoisyExpectedImprovement(models[0], **shared)
        else:
            limits = [partial(missed, j=j, limit=limit) for j, limit in self.limits.items()]
            rest = {"objective": IdentityMCMultiOutputObjective(outcomes=self.wanted), "constraints": limits}
            acquisition = qLogNoisyExpectedHypervolumeImprovement(
                model, self.reference().tolist(), **shared, **(rest if limits else {})
            )
        return self.search(acquisition)

    def reference(self) -> torch.Tensor:
        """The thresholds, or what BoTorch makes of the feasible front (of everything while nothing is feasible)."""
        if self.point is not None:
            return self.point
        ok = torch.ones(len(self.Y), dtype=torch.bool)
        for j, limit in self.limits.items():
            ok &= self.Y[:, j] >= limit
        Y = self.Y[ok] if ok.any() else self.Y
        Y = Y[:, self.wanted]
        return infer_reference_point(Y[is_non_dominated(Y)])

    def search(self, acquisition: Any) -> torch.Tensor:
        bounds = torch.tensor([[0.0], [1.0]]).repeat(1, self.X.shape[1])
        for i, count in self.categories.items():
            bounds[1, i] = count - 1
        if all(isinstance(p, Double) for p in self.parameters):
            options = {"batch_limit": 5, "maxiter": 200}
            x, _ = optimize_acqf(acquisition, bounds, q=1, num_restarts=10, raw_samples=512, options=options)
            return x.detach()[0]
        whole = {
            i: [place(p, value) for value in range(p.low, p.high + 1)]
            for i, p in enumerate(self.parameters)
            if isinstance(p, Int)
        }
        kinds = {i: [float(k) for k in range(count)] for i, count in self.categories.items()}
        x, _ = optimize_acqf_mixed_alternating(
            acquisition, bounds, discrete_dims=whole, cat_dims=kinds, q=1, num_restarts=10, raw_samples=512
        )
        return x.detach()[0]

    def tell(self, a: dict[str, Any], values: list[float] | None) -> None:
        if values is None:
            raise ValueError("this adapter takes no failed evaluations")
        x = torch.tensor([place(p, a[p.name]) for p in self.parameters])
        self.X = torch.vstack([self.X, x])
        self.Y = torch.vstack([self.Y, self.signs * torch.tensor(values)])


def missed(samples: torch.Tensor, *, j: int, limit: float) -> torch.Tensor:
    """How far metric j falls short of its limit, at most zero where it does not."""
    return limit - samples[..., j]
