"""The command `tradespace`: the whole system on one machine, one process of it each, and what people do by hand.

Two kinds of commands: those that run or look after the service use its settings (TRADESPACE_DATABASE_URL, …) and speak
to the database itself; those that work on experiments speak to a server, as any client does (TRADESPACE_URL and
TRADESPACE_TOKEN), so that every rule and every token's scope holds for them too.
"""

from __future__ import annotations

from itertools import chain

import click

from service.cli import access, doctor, experiments, keys, system, transfer

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="tradespace-server")
def main() -> None:
    """Find the next configuration to try when several metrics pull against each other.

    \b
    Start here:
      tradespace up                          the whole system on this machine, nothing else needed
      tradespace doctor                      what is wrong, and what to do about it
    \b
    Then, with the token that `up` showed in TRADESPACE_TOKEN:
      tradespace experiment create x.json    make an experiment
      tradespace experiment suggest 1        what to try next
      tradespace experiment front 1          what is best so far
    \b
    experiment, import and export speak to a server: TRADESPACE_URL, TRADESPACE_TOKEN. All others work on this
    machine with the service's own settings (TRADESPACE_DATABASE_URL, TRADESPACE_REDIS_URL, ...).
    \b
    Exit status: 0 done; 1 refused, or something is wrong; 2 wrong use; 3 the server does not answer.
    """


_GROUPS = (system, keys, doctor, access, experiments, transfer)
for command in chain.from_iterable(group.COMMANDS for group in _GROUPS):
    main.add_command(command)
