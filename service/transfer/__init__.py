"""Transfer: a whole experiment out of the service and into another, and what comes from elsewhere.

`export_json` and `export_csv` write a file; `Import` takes our own JSON, `Table` a CSV file. Whatever the form, all of
it is checked before any of it is stored, and it is stored in steps of bounded size, each a transaction of its own.
`service.transfer.optuna` turns Optuna's storages into our JSON.
"""

from service.transfer.document import FORMAT, VERSION
from service.transfer.exports import export_csv, export_json
from service.transfer.imports import Import, Step
from service.transfer.runs import put_runs_away
from service.transfer.tables import Table

__all__ = ["FORMAT", "VERSION", "Import", "Step", "Table", "export_csv", "export_json", "put_runs_away"]
