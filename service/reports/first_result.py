"""How the first result gets here: a command that works as it stands, for an experiment that has none yet.

The values in it are samples from the experiment's own definition (stop "service/reports").
"""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from service.reports.values import Report

__all__ = ["redis_command", "sample_assignments"]

STREAM: Final = "tradespace:results"
#: Fields of a flat message that are not metrics: a metric of such a name goes as JSON.
_RESERVED: Final = frozenset(("experiment", "suggestion", "assignments", "failed", "metadata", "result_id", "data"))
_STANDARD_PORT: Final = 6379


def redis_command(report: Report, redis_url: str) -> str:
    """A `redis-cli` line that reports one result of this experiment; the password in `redis_url` is left out of it."""
    metrics = {metric.name: 1.0 if metric.threshold is None else metric.threshold for metric in report.ordered_metrics}
    assignments = sample_assignments(report)
    if any(name in _RESERVED or name.endswith(".stddev") or name.startswith("assignments.") for name in metrics):
        values = [{"name": name, "value": value} for name, value in metrics.items()]
        document = {"experiment": report.experiment_id, "assignments": assignments, "values": values}
        fields = ["data", json.dumps(document, ensure_ascii=False)]
    else:
        fields = ["experiment", str(report.experiment_id)]
        for name, value in assignments.items():
            fields += [f"assignments.{name}", str(value)]
        for name, value in metrics.items():
            fields += [name, f"{value:g}"]
    return " ".join(["redis-cli", *_server(redis_url), "XADD", STREAM, "'*'", *map(shlex.quote, fields)])


def sample_assignments(report: Report) -> dict[str, Any]:
    """One assignment of the parameters that are in the middle of what is allowed."""
    sample: dict[str, Any] = {item["name"]: item["values"][0] for item in report.conditionals}
    for parameter in report.parameters:
        conditions: Mapping[str, Any] = parameter.get("conditions") or {}
        if all(sample.get(name) in allowed for name, allowed in conditions.items()):
            sample[parameter["name"]] = _middle(parameter)
    return sample


def _middle(parameter: Mapping[str, Any]) -> Any:
    if parameter.get("default_value") is not None:
        return parameter["default_value"]
    if parameter.get("grid"):
        return parameter["grid"][len(parameter["grid"]) // 2]
    if parameter["type"] == "categorical":
        return parameter["categorical_values"][0]["name"]
    low, high = parameter["bounds"]["min"], parameter["bounds"]["max"]
    middle = math.sqrt(low * high) if parameter.get("transformation") == "log" else low / 2 + high / 2
    if parameter["type"] == "int":
        return round(middle)
    tidy = float(f"{middle:.2g}")
    return tidy if low <= tidy <= high else middle


def _server(redis_url: str) -> list[str]:
    """The options that name the server; a password is asked for, never shown."""
    url = urlsplit(redis_url)
    host, port, number = url.hostname or "127.0.0.1", url.port or _STANDARD_PORT, url.path.strip("/")
    options = [] if host in ("127.0.0.1", "localhost") else ["-h", shlex.quote(host)]
    options += [] if port == _STANDARD_PORT else ["-p", str(port)]
    options += ["-n", number] if number.isdigit() and int(number) else []
    options += ["--tls"] if url.scheme == "rediss" else []
    options += ["--askpass"] if url.password else []
    return options
