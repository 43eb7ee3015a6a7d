"""In: a CSV file becomes observations of an experiment that is there already.

The columns may be SigOpt's (`parameter-NAME`, `conditional-NAME`, `value-NAME`, `value_stddev-NAME`, `value`,
`value_stddev`, `task_name`, `failed`, `created`, `metadata-NAME`; `id` and `task_cost` are passed over), which is what
our own export writes, or the plain names of parameters, conditionals and metrics, and `METRIC.stddev`.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from io import TextIOWrapper
from typing import Any, BinaryIO, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.errors import ConflictError, InvalidInputError, ServiceError, did_you_mean
from service.models import Experiment, Observation
from service.refreshes import hold
from service.schemas.experiment import Definition
from service.schemas.fields import shorten
from service.schemas.result import check_result, parse_document
from service.transfer import document
from service.transfer.exports import GUARD, guarded
from service.transfer.imports import Incoming, Step, batches, store_results

__all__ = ["Table"]

#: Characters of one cell.
LARGEST_CELL: Final = 100_000
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False, "": False}
_PASSED_OVER: Final = ("id", "task_cost")
_OPTIONAL: Final = ("failed", "partial", "created", "result_id", "task_name")

#: Puts one cell into the document of its row.
Cell = Callable[[dict[str, Any], str], None]


class Table:
    """One CSV file for `experiment`. `check` it, then run its `steps`, each in a transaction.

    A row without a `result_id` gets one made of its number and its cells. A row whose `result_id` is stored already is
    passed over: the same file sent again adds nothing.
    """

    def __init__(self, file: BinaryIO, experiment: Experiment) -> None:
        self._file = file
        self._experiment_id = experiment.id
        self._definition = Definition.of(experiment)
        self.count = 0
        self.stored = 0

    def check(self) -> None:
        """Hold every row against the experiment. Raise `InvalidInputError` that names the first line that is wrong."""
        seen: set[str] = set()
        for incoming in self._rows():
            self.count += 1
            if incoming.result.result_id in seen:
                raise InvalidInputError(f"result_id {incoming.result.result_id!r} stands twice", field="result_id")
            seen.add(incoming.result.result_id)

    def steps(self) -> Iterator[Step]:
        """Return what is to be done."""
        return (self._step(batch) for batch in batches(self._rows()))

    def _step(self, batch: list[Incoming]) -> Step:
        def store(session: Session, now: datetime) -> None:
            self._refuse_changed(session)
            known = self._stored_ids(session, [item.result.result_id for item in batch])
            new = [item for item in batch if item.result.result_id not in known]
            self.stored += store_results(session, new, now=now)

        return store

    def _refuse_changed(self, session: Session) -> None:
        """Keep the experiment as it is; raise `ConflictError` if it is not what the rows were held against."""
        hold(session, [self._experiment_id])
        if Definition.of(session.get_one(Experiment, self._experiment_id, populate_existing=True)) != self._definition:
            message = "the experiment was changed while the file was read: send it again; what is stored counts once"
            raise ConflictError(message, experiment=str(self._experiment_id))

    def _stored_ids(self, session: Session, result_ids: Sequence[str]) -> set[str]:
        mine = sa.select(Observation.result_id).where(Observation.experiment_id == self._experiment_id)
        return set(session.scalars(mine.where(Observation.result_id.in_(result_ids), Observation.deleted_at.is_(None))))

    def _rows(self) -> Iterator[Incoming]:
        self._file.seek(0)
        text = TextIOWrapper(self._file, encoding="utf-8-sig", newline="")
        try:
            yield from self._parsed(csv.reader(text, strict=True))
        except UnicodeDecodeError as error:
            raise InvalidInputError("the file is not UTF-8", expected="UTF-8 text") from error
        except csv.Error as error:
            raise InvalidInputError(f"the file is not CSV: {error}", expected="comma separated values") from error
        finally:
            text.detach()

    def _parsed(self, reader: Any) -> Iterator[Incoming]:
        header = [_plain(cell) for cell in next(reader, [])]
        cells = self._columns(header)
        for cells_of_row in reader:
            if not any(cells_of_row):
                continue
            try:
                yield self._incoming(cells, header, cells_of_row, reader.line_num)
            except ServiceError as error:
                facts = {**error.facts, "field": f"line {reader.line_num}{error.facts.get('field', '')}"}
                raise InvalidInputError(f"line {reader.line_num}: {error.message}", **facts) from error

    def _incoming(self, cells: Sequence[Cell], header: Sequence[str], row: Sequence[str], line: int) -> Incoming:
        if len(row) > len(header):
            raise InvalidInputError(f"{len(row)} cells under {len(header)} columns", expected=f"{len(header)} cells")
        given: dict[str, Any] = {"assignments": {}, "values": {}, "metadata": {}, "stddevs": {}}
        for put, cell in zip(cells, row, strict=False):
            put(given, _plain(cell))
        created_at = document.read_time(given.pop("created", None), ".created")
        values, stddevs = given.pop("values"), given.pop("stddevs")
        given["values"] = [
            {"name": name, "value": value, "value_stddev": stddevs.get(name)} for name, value in values.items()
        ]
        own = given.pop("result_id", None) or f"csv-{blake2b(f'{line}{row}'.encode(), digest_size=12).hexdigest()}"
        given["metadata"] = given["metadata"] or None
        message = parse_document({**given, "experiment": self._experiment_id}, result_id=own)
        return Incoming(check_result(message, self._definition), created_at)

    def _columns(self, header: Sequence[str]) -> list[Cell]:
        if not header:
            raise InvalidInputError("the file is empty: expected a line of column names first", expected="a header")
        for name in header:
            if header.count(name) > 1:
                raise InvalidInputError(f"column {shorten(name)} stands twice", field=name)
        known = self._known()
        cells = []
        for name in header:
            cell = known.get(name) or _metadatum_column(name)
            if cell is None:
                message = f"column {shorten(name)} is neither a parameter nor a metric{did_you_mean(name, known)}"
                raise InvalidInputError(message, field=name, expected=", ".join(sorted(known)))
            cells.append(cell)
        return cells

    def _known(self) -> dict[str, Cell]:
        """Return what each column means. SigOpt's names come last, so that they win over a metric called `failed`."""
        definition = self._definition
        known: dict[str, Cell] = {}
        for name in definition.parameter_by_name:
            is_text = definition.parameter_by_name[name].type == "categorical"
            known[name] = known[f"parameter-{name}"] = _put("assignments", name, _text if is_text else _number)
        for name in definition.conditional_by_name:
            known[name] = known[f"conditional-{name}"] = _put("assignments", name, _text)
        for name in definition.metric_by_name:
            known |= _metric_columns(name, is_reported=name in definition.reported)
        return {**known, **_FIXED}


def _metric_columns(name: str, *, is_reported: bool) -> dict[str, Cell]:
    """Return the columns of a metric; what is computed from others is passed over, since it is computed anew."""
    value = _put("values", name, _number) if is_reported else _pass_over
    stddev = _put("stddevs", name, _number) if is_reported else _pass_over
    plain = {name: value, f"{name}.stddev": stddev} if name else {}
    suffix = f"-{name}" if name else ""
    return {**plain, f"value{suffix}": value, f"value_stddev{suffix}": stddev}


def _put(group: str, name: str, read: Callable[[str, str], Any]) -> Cell:
    def put(given: dict[str, Any], cell: str) -> None:
        if cell != "":
            given[group][name] = read(cell, name)

    return put


def _pass_over(_given: dict[str, Any], _cell: str) -> None:
    """Leave a column out."""


def _metadatum_column(name: str) -> Cell | None:
    return _put("metadata", name.removeprefix("metadata-"), _metadatum) if name.startswith("metadata-") else None


def _field(name: str, read: Callable[[str, str], Any]) -> Cell:
    def put(given: dict[str, Any], cell: str) -> None:
        if cell != "":
            given[name] = read(cell, name)

    return put


def _text(cell: str, _name: str) -> str:
    return cell


def _number(cell: str, name: str) -> float | int:
    try:
        number = float(cell)
    except ValueError as error:
        message = f"{name} must be a number, got {shorten(cell)}"
        raise InvalidInputError(message, field=f".{name}", expected="a number") from error
    if not math.isfinite(number):
        raise InvalidInputError(f"{name} must be a finite number, got {shorten(cell)}", field=f".{name}")
    return number


def _truth(cell: str, name: str) -> bool:
    if cell.lower() not in _BOOLEANS:
        message = f"{name} must be true or false, got {shorten(cell)}"
        raise InvalidInputError(message, field=f".{name}", expected="true or false")
    return _BOOLEANS[cell.lower()]


def _moment(cell: str, _name: str) -> Any:
    try:
        return float(cell)
    except ValueError:
        return cell


def _metadatum(cell: str, _name: str) -> str | float | int:
    """Read a number where there is one: a table has no types."""
    for kind in (int, float):
        try:
            number = kind(cell)
        except ValueError:
            continue
        return number if math.isfinite(number) else cell
    return cell


_FIXED: Final[Mapping[str, Cell]] = {
    "failed": _field("failed", _truth),
    "partial": _field("partial", _truth),
    "created": _field("created", _moment),
    "result_id": _field("result_id", _text),
    "task_name": _field("task", _text),
    **dict.fromkeys(_PASSED_OVER, _pass_over),
}


def _plain(cell: str) -> str:
    """Take away the apostrophe that an export put before what looks like a formula."""
    bare = cell.removeprefix(GUARD)
    return bare if cell != bare and guarded(bare) == cell else cell
