"""BoTorch as its tutorial on multi-objective optimization sets it up: qLogNEHVI, with one metric qLogNEI.

2 (d + 1) Sobol points, one SingleTaskGP a metric on standardised values, 128 quasi-random samples, 10 restarts from 512
points. The reference point is the thresholds' or, without them, `infer_reference_point`'s. Real parameters without
constraints only: the rest is refused, and so stands in the results as an error.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.fit import fit_gpytorch_mll
from botorch.models import ModelListGP, SingleTaskGP
from botorch.models.transforms.outcome import Standardize
from botorch.optim import optimize_acqf
from botorch.sampling import SobolQMCNormalSampler
from botorch.utils.multi_objective.hypervolume import infer_reference_point
from botorch.utils.multi_objective.pareto import is_non_dominated
from gpytorch.mlls import SumMarginalLogLikelihood

from benchmarks.quality.problems import Case
from objectives.space import Double

warnings.filterwarnings("ignore")
torch.set_default_dtype(torch.double)


class Peer:
    def __init__(self, method: str, case: Case, seed: int) -> None:  # noqa: ARG002
        space, metrics = case.problem.space, case.problem.metrics
        plain = all(isinstance(p, Double) and not p.log and not p.conditions for p in space.parameters)
        if not plain or space.constraints or any(m.strategy != "optimize" for m in metrics):
            raise ValueError("this adapter takes real parameters without constraints only")
        torch.manual_seed(seed)
        self.parameters, self.seed = space.parameters, seed
        self.signs = torch.tensor([1.0 if m.objective == "maximize" else -1.0 for m in metrics])
        given = [m.threshold for m in metrics]
        self.point = None if None in given else self.signs * torch.tensor(given)
        d = len(space.parameters)
        self.first = torch.quasirandom.SobolEngine(d, scramble=True, seed=seed).draw(2 * (d + 1), dtype=torch.double)
        self.X, self.Y = torch.empty(0, d), torch.empty(0, len(metrics))

    def ask(self) -> dict[str, Any]:
        n = len(self.X)
        self.x = self.first[n] if n < len(self.first) else self.suggest()
        return {p.name: p.low + float(u) * (p.high - p.low) for p, u in zip(self.parameters, self.x, strict=True)}

    def suggest(self) -> torch.Tensor:
        models = [SingleTaskGP(self.X, y[:, None], outcome_transform=Standardize(m=1)) for y in self.Y.T]
        model = ModelListGP(*models)
        fit_gpytorch_mll(SumMarginalLogLikelihood(model.likelihood, model))
        sampler = SobolQMCNormalSampler(torch.Size([128]), seed=self.seed)
        shared = {"X_baseline": self.X, "prune_baseline": True, "sampler": sampler}
        if self.Y.shape[1] == 1:
            acquisition = qLogNoisyExpectedImprovement(models[0], **shared)
        else:
            point = infer_reference_point(self.Y[is_non_dominated(self.Y)]) if self.point is None else self.point
            acquisition = qLogNoisyExpectedHypervolumeImprovement(model, point.tolist(), **shared)
        bounds = torch.tensor([[0.0], [1.0]]).expand(2, self.X.shape[1])
        options = {"batch_limit": 5, "maxiter": 200}
        x, _ = optimize_acqf(acquisition, bounds, q=1, num_restarts=10, raw_samples=512, options=options)
        return x.detach()[0]

    def tell(self, a: dict[str, Any], values: list[float] | None) -> None:  # noqa: ARG002
        if values is None:
            raise ValueError("this adapter takes no failed evaluations")
        self.X = torch.vstack([self.X, self.x])
        self.Y = torch.vstack([self.Y, self.signs * torch.tensor(values)])
