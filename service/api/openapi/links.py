"""Links from what makes an object to what can be done with it: so that tools can walk the API by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

__all__ = ["add_links"]

_METHODS: Final = ("get", "put", "post", "delete")


def add_links(paths: dict[str, Any]) -> None:
    """Add to the reply of each POST that makes an object the operations below that object's own path."""
    for path, item in paths.items():
        made = item.get("post", {}).get("responses", {}).get("200", {}).get("content", {}).get("application/json", {})
        if "id" in made.get("example", {}):
            links = dict(_links(paths, path))
            if links:
                item["post"]["responses"]["200"]["links"] = links


def _links(paths: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for below, item in paths.items():
        own = re.match(re.escape(path) + r"/{(\w+)}(?:/\w+)*$", below)
        if own is None:
            continue
        known = {name: f"$request.path.{name}" for name in re.findall(r"{(\w+)}", path)}
        for method in _METHODS:
            if method in item:
                name = item[method]["operationId"]
                yield name, {"operationId": name, "parameters": {**known, own[1]: "$response.body#/id"}}
