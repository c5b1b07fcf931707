"""The command ``lethe``: one table of commands, each in a file of its own."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NoReturn

from lethe.cli._support.log import LOG, Form, Level, logging_to_stderr
from lethe.cli._support.printable import guarded, printable

__all__ = ["COMMANDS", "main"]

#: Every command: its name, which is also its module's in this package, and its line in the help.
#: A module has ``add_arguments(parser)`` and ``run(args) -> int``; only the module of the command
#: that is asked for is imported.
COMMANDS: dict[str, str] = {
    "reproduce": "repeat an experiment of the papers and compare its figures with theirs",
    "verdict": "say of each figure of the papers whether ours fits",
    "figure": "draw the report's figures from new runs",
    "report": "write one HTML page with all tables, figures and how they were made",
    "learn": "learn to predict a stream, event by event, and score the predictions",
    "predict": "predict a stream with a trained model, without learning",
    "sample": "generate symbols or text with a model",
    "info": "describe a checkpoint",
    "bench": "measure the time of a step, compared with every peer that is installed",
}

CANNOT_GO_ON = 1
WRONG_INPUT = 2
INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """A parser whose error messages are one line, and name the command that is asked for."""

    command: str | None = None

    def error(self, message: str) -> NoReturn:
        prog = f"{self.prog} {self.command}" if self.command in COMMANDS else self.prog
        self.exit(WRONG_INPUT, f"{prog}: {printable(message)} (see {prog} --help)\n")


class _Version(argparse.Action):
    """Look the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from lethe.version import __version__

        print(f"lethe {__version__}")
        parser.exit()


def _parser(command: str | None) -> argparse.ArgumentParser:
    """Build the parser, with the arguments of the one command that is asked for."""
    parser = _Parser(
        prog="lethe",
        description="Recurrent networks that learn at every step of a stream that never ends.",
        epilog="Example: lethe reproduce cerg",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    parser.command = command
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, title="commands"
    )
    for name, summary in COMMANDS.items():
        sub = commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if name == command:
            module = import_module(f"lethe.cli.{name}")
            module.add_arguments(sub)
            sub.set_defaults(run=module.run)
    return parser


def _replace_closed_streams() -> None:
    """What would go to a closed descriptor (``>&-``) goes nowhere; a closed input stays None."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows ``lethe`` on the command line; by default this process's arguments.

    Returns
    -------
    int
        The exit code: 0; 2 after one line on standard error for wrong input or too little memory;
        130 when interrupted; or another that the command gives. ``--help``,
        ``--version`` and wrong options leave through `SystemExit`.
    """
    _replace_closed_streams()
    with guarded():
        return _main(arguments)


def _flush() -> None:
    """Bring out what was printed, if there is anybody to read it."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # What cannot be written must not be tried again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ValueError(f"standard output cannot be written: {error.strerror}") from None


def _main(arguments: Sequence[str] | None) -> int:
    words = list(sys.argv[1:] if arguments is None else arguments)
    command = next((word for word in words if not word.startswith("-")), None)
    args = argparse.Namespace()

    def parse() -> int:
        _parser(command).parse_args(words, args)
        return 0

    with logging_to_stderr(command or ""):
        code = _run(parse)
    if code or not hasattr(args, "run"):
        return code
    form: Form = getattr(args, "log_format", "text")
    level: Level = getattr(args, "log_level", "info")
    with logging_to_stderr(command or "", form, level):
        return _run(lambda: int(args.run(args)))


def _run(work: Callable[[], int]) -> int:
    """Do something, and turn what it raises into one line and an exit code."""
    try:
        try:
            return work()
        finally:
            _flush()
    except KeyboardInterrupt as stop:
        LOG.error("interrupted%s", f"; {stop}" if str(stop) else "")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of the pipe has gone; give Python a descriptor that it can still flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        LOG.error("not enough memory")
        return WRONG_INPUT
    except ArithmeticError as error:  # a network whose numbers are not finite
        LOG.error("%s", error)
        return CANNOT_GO_ON
    except (ValueError, ModuleNotFoundError) as error:  # a package of an extra
        LOG.error("%s", error)
        return WRONG_INPUT
    except OSError as error:
        # What a command opens, it names; what has no name is what it prints to.
        name = "standard output cannot be written" if error.filename is None else error.filename
        LOG.error("%s: %s", name, error.strerror or error)
        return WRONG_INPUT
