"""The command `dpsynth`: finds the commands, and turns what goes wrong into one line."""

from __future__ import annotations

import errno
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import click

from dpsynth import __version__
from dpsynth.cli.output import one_line, print_json
from dpsynth.errors import DpsynthError

COMMANDS = {
    "demo": "dpsynth.cli.demo",
    "inspect": "dpsynth.cli.inspect",
    "train": "dpsynth.cli.train",
    "generate": "dpsynth.cli.generate",
    "evaluate": "dpsynth.cli.evaluate",
    "benchmark": "dpsynth.cli.benchmark",
    "sweep": "dpsynth.cli.sweep",
    "audit": "dpsynth.cli.audit",
    "ledger": "dpsynth.cli.ledger",
    "release": "dpsynth.cli.release",
    "verify": "dpsynth.cli.verify",
}
INTERRUPTED = 130  # as shells say it: 128 and SIGINT


class Commands(click.Group):
    """The commands, in the order of a job; each is imported when it is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or none of that name."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = import_module(COMMANDS[cmd_name]).command
        return found


@click.group(cls=Commands, invoke_without_command=True)
@click.version_option(__version__, prog_name="dpsynth")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Synthetic copies of medical data under differential privacy.

    Try it on data that come with it: dpsynth demo

    Every command ends with 0, or 1 where a promise or a check failed, or 2 on bad usage or
    bad input; --json prints one JSON object on stdout and nothing else there.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
        ctx.exit(2)


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code; what went wrong is one line on stderr."""
    try:
        code = cli.main(args=list(arguments), prog_name="dpsynth", standalone_mode=False)
    except (click.ClickException, click.Abort, DpsynthError, OSError, MemoryError) as error:
        return _failed(error, as_json="--json" in arguments)
    return code if isinstance(code, int) else 0


def main() -> None:
    """Entry point of the installed command."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # of libraries: a user can do nothing about them
    # As Ctrl-C, so that a batch system's end of time leaves no file behind that was to be deleted.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _failed(error: BaseException, *, as_json: bool) -> int:
    """One line for people; for machines no words, since they may tell of patients."""
    error = error.__cause__ or error if isinstance(error, click.Abort) else error
    said, code = _words(error)
    notes = "".join(f"; {note}" for note in getattr(error, "__notes__", ()))
    click.echo(one_line(said + notes), err=True)
    if as_json:
        print_json({"exit_code": code, "error": type(error).__name__})
    return code


def _words(error: BaseException) -> tuple[str, int]:
    """What to say, and the exit code."""
    match error:
        case click.UsageError():
            where = error.ctx.command_path if error.ctx else "dpsynth"
            return f"error: {error.format_message().rstrip('.')} (see {where} --help)", 2
        case click.ClickException():
            return f"error: {error.format_message()}", 2
        case DpsynthError():
            return f"error: {error}", error.exit_code
        case OSError():
            return f"error: {_of_system(error)}", 2
        case MemoryError():
            return "error: out of memory; take fewer patients at a time", 2
        case _:
            return "interrupted", INTERRUPTED


def _of_system(error: OSError) -> str:
    """What the operating system refused, with the cure."""
    where = f" ({Path(os.fsdecode(error.filename))})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"the disk is full{where}; free some room"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"no permission{where}; choose another place, or ask for it"
    return f"{(error.strerror or type(error).__name__).lower()}{where}"


if __name__ == "__main__":
    main()
