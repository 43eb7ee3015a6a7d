"""Views of runs, as the pages of SigOpt kept them: what one consists of, and how one is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field

from service.schemas import fields

__all__ = ["KINDS", "GridView", "Owner", "RunView", "ViewChange", "Views", "parse_change", "parse_new", "parse_views"]


class Owner(fields.Strict):
    """What a view is of: a project, and the client that it belongs to."""

    client: str
    project: str


class Views(fields.Strict):
    """Which views: those of one kind of one project. Requests without a body say `parent_resource_id` as JSON text."""

    parent_resource_type: Literal["project"]
    parent_resource_id: Owner
    web_data_type: Literal["run_view", "ag_run_view"]
    display_name: Annotated[str, Field(max_length=100)] = ""


class _Filter(fields.Strict):
    field: str
    operator: Literal["==", "!=", ">=", ">", "<=", "<", "isnull"]
    value: str | float
    enabled: bool


class _Sort(fields.Strict):
    key: str
    ascending: bool


class _Shown(fields.Strict):
    filters: list[_Filter]
    sort: Annotated[list[_Sort], Field(max_length=1)]
    column_state: str = ""


class _Loose(fields.Strict):
    """Part of what a grid says of itself: whatever else it says is its own."""

    model_config = ConfigDict(extra="ignore")


class _Column(_Loose):
    colId: str  # noqa: N815 the grid's word, as the others
    width: float = 0
    hide: bool = False


class _Group(_Loose):
    groupId: str = ""  # noqa: N815
    open: bool = False


class _Order(fields.Strict):
    colId: str  # noqa: N815
    sort: Literal["asc", "desc"]


class _Grid(fields.Strict):
    columnState: list[_Column]  # noqa: N815
    columnGroupState: list[_Group]  # noqa: N815
    sortModel: list[_Order]  # noqa: N815
    filterModel: dict[str, Any]  # noqa: N815


class RunView(Views):
    """A new view: filters, an order, and columns in words of its page."""

    display_name: Annotated[str, Field(max_length=100)]
    payload: _Shown


class GridView(Views):
    """A new view in the words of the grid that SigOpt's later pages were made with."""

    display_name: Annotated[str, Field(max_length=100)]
    payload: _Grid


class ViewChange(Views):
    """A view's new content, and its name if that is given; project and kind find it and do not change."""

    id: str | int
    payload: dict[str, Any]


#: Kind of view -> how a new one is read.
KINDS: Final[Mapping[str, type[RunView] | type[GridView]]] = {"run_view": RunView, "ag_run_view": GridView}


def parse_new(body: Mapping[str, Any]) -> RunView | GridView:
    """Read the body of a create."""
    return fields.parse_model(_of_kind(body), _with_owner(body))


def _of_kind(body: Mapping[str, Any]) -> type[RunView] | type[GridView]:
    kind = body.get("web_data_type")
    return KINDS.get(kind, RunView) if isinstance(kind, str) else RunView


def parse_change(body: Mapping[str, Any]) -> ViewChange:
    """Read the body of an update."""
    given = _with_owner(body)
    parsed = fields.parse_model(ViewChange, given)
    fields.parse_model(_of_kind(body), {"display_name": "", **{k: v for k, v in given.items() if k != "id"}})
    return parsed


def parse_views(given: Mapping[str, Any]) -> Views:
    """Read which views are wanted."""
    return fields.parse_model(Views, _with_owner(given))


def _with_owner(given: Mapping[str, Any]) -> dict[str, Any]:
    """Read the owner where it is a text: an object has no place in a query."""
    owner = given.get("parent_resource_id")
    if isinstance(owner, str):
        return {**given, "parent_resource_id": fields.parse_json_object(owner, what="parent_resource_id")}
    return dict(given)
