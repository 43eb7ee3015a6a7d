"""The API's page is laid out by a script of our own server, and what is tried there is answered: in a real browser."""

from __future__ import annotations

from tests.browser.conftest import Looker, Served


def test_an_operation_can_be_read_and_tried(reader: Looker, served: Served) -> None:
    page = reader.page
    page.goto(f"{served.url}/docs")
    page.click("#operations-tag-Experiments")
    operation = "#operations-Experiments-experiment_lists_mine"
    page.click(f"{operation} .opblock-summary")
    page.click(f"{operation} .try-out__btn")
    page.click(f"{operation} .execute")
    assert page.inner_text(f"{operation} .live-responses-table tbody .response-col_status").startswith("200")
    assert '"object": "pagination"' in page.inner_text(f"{operation} .live-responses-table .highlight-code")
