"""The trade-off report of an experiment: what the worker stored, read once and put into words and figures.

`read_model` asks the database and returns a frozen `Report`; `sentences` words it; `figures` draws it as SVG text.
A page, an export or the API then only lays it out (stop "service/reports" of the result's journey).
"""
