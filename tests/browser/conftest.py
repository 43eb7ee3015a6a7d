"""A real browser (Debian's Chromium, headless) before the real application on a real socket."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Response, sync_playwright
from werkzeug.serving import make_server
from werkzeug.wsgi import ClosingIterator

from service.api.door import EXTENSION
from service.app import create_app
from service.db import Database
from service.models import Client
from service.settings import Settings
from service.tokens import issue
from tests import stories
from tests.factories import NO_REDIS, make_client

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
STORIES = ("digits", "two_metrics", "infeasible", "waiting", "hostile")


@dataclass(frozen=True)
class Served:
    """The application on its socket: the stories told there, by the id of their experiment."""

    url: str
    token: str
    database: Database
    experiments: dict[str, int]

    def report(self, story: str) -> str:
        """The address of a story's report."""
        return f"{self.url}/experiments/{self.experiments[story]}/report"


@pytest.fixture(scope="module")
def served(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The application with every story in it."""
    path = tmp_path_factory.mktemp("browser") / "tradespace.db"
    shutil.copy(sqlite_template, path)
    app = create_app(Settings(database_url=f"sqlite:///{path}", redis_url=NO_REDIS))
    database: Database = app.extensions[EXTENSION].database
    with database.write() as session:
        client: Client = make_client(session)
        _, token = issue(session, client_id=client.id, name="reader", permission="read", now=database.now(session))
        experiments = {name: getattr(stories, name)(session, client).id for name in STORIES}
        experiments["live"] = stories.waiting(session, client).id
    server = make_server("127.0.0.1", 0, _whole(app), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Served(f"http://127.0.0.1:{server.server_port}", token, database, experiments)
    server.shutdown()
    thread.join()
    server.server_close()
    database.close()


def _whole(app: WSGIApplication) -> WSGIApplication:
    """Answer with whole bodies: this server leaves a file open when the browser hangs up as it is being sent."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with closing(ClosingIterator(app(environ, start_response))) as parts:
            return [b"".join(parts)]

    return answer


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser. Without one this is an error: a page that nobody looked at has not been tested."""
    path = shutil.which("chromium")
    if path is None:
        raise RuntimeError("no Chromium to look at the pages with: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=list(FLAGS))
        yield browser
        browser.close()


@dataclass
class Looker:
    """A page of the browser that remembers whatever went wrong on it."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self._note("error", str(error)))
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._answered)
        self.page.add_init_script(
            "document.addEventListener('securitypolicyviolation',"
            " event => console.error('refused by the policy: ' + event.violatedDirective + ' ' + event.blockedURI))"
        )

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"{kind}: {text}")

    def _failed(self, request: Request) -> None:
        if request.resource_type == "fetch" and request.failure == "net::ERR_ABORTED":
            return  # the page was left while it looked for news
        self.complaints.append(f"request failed: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status}: {response.url}")


@pytest.fixture(params=[("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360)], ids=lambda p: f"{p[0]}-{p[1]}")
def looker(request: pytest.FixtureRequest, chromium: Browser, served: Served) -> Iterator[Looker]:
    """A signed-in page, in light and dark, on a desk and in a hand. Whatever it complains of fails the test."""
    yield from _look(chromium, served, *request.param)


@pytest.fixture(params=[("light", 1280), ("dark", 360)], ids=lambda p: f"{p[0]}-{p[1]}")
def reader(request: pytest.FixtureRequest, chromium: Browser, served: Served) -> Iterator[Looker]:
    """The same for what is done on a page: twice is enough."""
    yield from _look(chromium, served, *request.param)


def _look(chromium: Browser, served: Served, scheme: Literal["light", "dark"], width: int) -> Iterator[Looker]:
    context: BrowserContext = chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        extra_http_headers={"Authorization": f"Bearer {served.token}"},
    )
    context.set_default_timeout(20_000)
    looker = Looker(context.new_page())
    yield looker
    context.close()
    assert looker.complaints == []
