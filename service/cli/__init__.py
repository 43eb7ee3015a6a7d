"""The command `tradespace`: the whole system on one machine, one process of it each, and what operators do by hand."""

from __future__ import annotations

from itertools import chain

import click

from service.cli import access, system

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="tradespace-server")
def main() -> None:
    """Find the next configuration to try when several metrics pull against each other.

    Start here:  tradespace up      the whole system on this machine, nothing else needed
    """


for command in chain(system.COMMANDS, access.COMMANDS):
    main.add_command(command)
