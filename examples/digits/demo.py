"""The whole journey on one machine, on real data: `make demo`, or `make demo ARGS=--once` to end by itself.

Starts the service, creates the experiment, registers a webhook, runs the producers, shows the front, and checks every
stop on the way. Exit status 0 if every stop happened.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from subprocess import Popen
from types import FrameType
from typing import Final, NoReturn

import httpx
import show
import space
import system
from journey import EVENTS, STOPS, Api, MissedError, Run
from receiver import Receiver
from rich.table import Table
from rich.text import Text
from show import say

from tradespace import Client, Experiment, TradespaceError

__all__ = ["main"]

PORT: Final = 8321
REDIS_PORT: Final = 8322
DATA: Final = system.ROOT / "var" / "demo"
#: Enough for the models to take over from the quasi-random start after 18 results, and to be done in a minute or two.
TRIALS: Final = 40


class Stopped(BaseException):
    """Ctrl-C or SIGTERM: everything is taken down in order."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main() -> int:
    """Make the journey; return the exit status."""
    asked = _asked()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        return _demo(asked)
    except system.ProgramError as error:
        return _fail(str(error), error.log)
    except (TradespaceError, httpx.HTTPError) as error:
        return _fail(f"the service did not do what it was asked: {error}", asked.data / "tradespace.log")
    except Stopped as stopped:
        say("Stopped before the end; everything has been taken down.")
        return 128 + stopped.number


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description="Tune a classifier on handwritten digits.")
    parser.add_argument("--once", action="store_true", help="end by itself instead of serving until Ctrl-C")
    parser.add_argument("--trials", type=int, default=TRIALS, help=f"configurations to try (default: {TRIALS})")
    parser.add_argument("--producers", type=int, default=2, help="processes that try them (default: 2)")
    parser.add_argument("--port", type=int, default=PORT, help=f"of the pages and the API (default: {PORT})")
    parser.add_argument("--redis-port", type=int, default=REDIS_PORT, help=f"of the results (default: {REDIS_PORT})")
    parser.add_argument("--data", type=Path, default=DATA, help="folder (default: var/demo)")
    asked = parser.parse_args()
    if not 1 <= asked.producers <= asked.trials:
        parser.error("--producers: expected at least 1, and not more than --trials")
    asked.data = asked.data.resolve()
    return asked


def _stop(number: int, _: FrameType | None) -> NoReturn:
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # once is enough: the end is on its way
    raise Stopped(number)


def _fail(message: str, log: Path | None) -> int:
    say(f"FAILED: {message}", style="bold red")
    if log is not None and (lines := system.tail(log)):
        say(f"The last lines of {log}:")
        say(lines, style="dim")
    return 1


def _demo(asked: argparse.Namespace) -> int:
    began = time.monotonic()
    with ExitStack() as stack:
        lock = stack.enter_context(system.held(asked.data))
        service = stack.enter_context(_start(asked, lock))
        api = stack.enter_context(Api(service.url, service.token))
        client = stack.enter_context(Client(service.url, service.token))
        receiver = stack.enter_context(Receiver())
        experiment = client.create_experiment(**space.definition(budget=asked.trials, producers=asked.producers))
        hook = stack.enter_context(_registered(api, receiver, experiment))
        say(f"Experiment {experiment.id}, webhook {hook} to {receiver.url}; {asked.producers} producers at work:")
        published = _try_all(asked, service, client, receiver, experiment)
        address = client.report_url(experiment)
        run = Run(client, api, service.redis_url, receiver, experiment.id, published, address)
        seen, missed = _check(run)
        _show(run, seen)
        if missed is not None:
            return _fail(missed, service.log)
        say(f"All of it took {time.monotonic() - began:.0f} s.")
        if not asked.once:
            _serve(asked, service)
    return 0


def _start(asked: argparse.Namespace, lock: int) -> AbstractContextManager[system.Service]:
    """Start the service on the ports that were asked for, or else on free ones."""
    port, redis_port = (_free(wanted) for wanted in (asked.port, asked.redis_port))
    say(f"Starting Tradespace in {asked.data}; what it says: {asked.data / 'tradespace.log'}")
    return system.service(asked.data, port, redis_port, lock=lock)


def _free(wanted: int) -> int:
    port = system.free_port(wanted)
    if port != wanted:
        say(f"Port {wanted} is taken by another program, so this takes {port}.")
    return port


@contextmanager
def _registered(api: Api, receiver: Receiver, experiment: Experiment) -> Iterator[str]:
    """Have the service call our receiver about this experiment, as long as it is there; yield the webhook's id."""
    asked = {"url": receiver.url, "event_types": list(EVENTS), "experiment": experiment.id}
    hook = api.post("/v1/webhooks", asked)
    receiver.trust(hook["secret"])
    try:
        yield str(hook["id"])
    finally:
        api.delete(f"/v1/webhooks/{hook['id']}")


def _try_all(
    asked: argparse.Namespace, service: system.Service, client: Client, receiver: Receiver, experiment: Experiment
) -> list[str]:
    """Run the producers to their end; return the ids of what they published."""
    logs = [asked.data / f"producer-{number}.log" for number in range(1, asked.producers + 1)]
    with ExitStack() as stack, show.progress(asked.trials) as meter:
        running = {
            log: stack.enter_context(system.producer(service, experiment.id, share, log))
            for log, share in zip(logs, _shares(asked.trials, asked.producers), strict=True)
        }
        while not _are_done(running):
            service.check()
            _tell(meter, client, receiver, experiment)
            time.sleep(0.3)
        _tell(meter, client, receiver, experiment)
    return [line.split()[0] for log in logs for line in log.read_text(encoding="utf-8").splitlines()]


def _shares(trials: int, producers: int) -> list[int]:
    return [trials // producers + (number < trials % producers) for number in range(producers)]


def _are_done(running: Mapping[Path, Popen[bytes]]) -> bool:
    for log, process in running.items():
        if process.poll():
            raise system.ProgramError(f"a producer ended with exit status {process.returncode}", log)
    return all(process.poll() == 0 for process in running.values())


def _tell(meter: show.Meter, client: Client, receiver: Receiver, experiment: Experiment) -> None:
    """Show how many results are stored, and what the webhooks said last."""
    size = receiver.newest("front.changed").get("size", 0)
    words = f"results stored, {size} on the front, {sum(receiver.verified.values())} webhooks verified"
    meter(client.experiment(experiment).observation_count or 0, words)


def _check(run: Run) -> tuple[Table, str | None]:
    """Look at every stop of the journey; return what was seen, and what was missed if one was."""
    seen = Table(box=None, show_header=False, pad_edge=False)
    for name, check in STOPS.items():
        try:
            seen.add_row(Text("ok", style="green"), name, check(run))
        except MissedError as error:
            seen.add_row(Text("MISSED", style="bold red"), name, str(error))
            return seen, f"The stop that did not happen: {name}. {str(error).capitalize()}"
    return seen, None


def _show(run: Run, seen: Table) -> None:
    front = run.front()
    show.console.print()
    show.console.print(show.front_table(front))
    say(show.recommendation(front), style="bold")
    show.console.print()
    show.console.print("The journey of the results, stop by stop:")
    show.console.print(seen)
    show.console.print()
    say(f"Report: {run.report_url}", style="bold")


def _serve(asked: argparse.Namespace, service: system.Service) -> None:
    """Stay until Ctrl-C, which is the way to end here."""
    say(f"Serving until Ctrl-C. All experiments: {service.url}/ (token: {asked.data / 'token'})")
    try:
        while True:
            service.check()
            time.sleep(0.3)
    except Stopped:
        say("Ending.")


if __name__ == "__main__":
    sys.exit(main())
