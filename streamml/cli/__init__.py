"""The ``streamml`` command. The only part that prints, and that knows connectors.

What a command needs is imported when it runs: ``streamml --help`` must be quick.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from streamml.cli.config import make_config_command
from streamml.cli.explain import explain
from streamml.cli.export import export
from streamml.cli.peek import peek
from streamml.cli.predict import predict
from streamml.cli.produce import produce
from streamml.cli.run import run
from streamml.cli.saying import say
from streamml.errors import StreamMLError

__all__ = ["main"]

_INTERRUPTED = 130  # 128 + SIGINT, as shells have it


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="streamml", message="%(prog)s %(version)s")
def cli() -> None:
    """Streaming multi-label learning with label clusters, drift and live scores."""


cli.add_command(run)
cli.add_command(produce)
cli.add_command(peek)
cli.add_command(predict)
cli.add_command(explain)
cli.add_command(export)
cli.add_command(make_config_command(run))


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0, 2 after a mistake in the call, 130 after Ctrl-C.

    1 says that nothing of the input could be used, or that nobody reads the output any more.

    Parameters
    ----------
    args
        Arguments after the program's name; those of the process by default.

    Examples
    --------
    >>> main(["--version"])
    Traceback (most recent call last):
        ...
    SystemExit: 0
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a label the terminal cannot show
    sys.exit(_exit_code(args))


def _exit_code(args: Sequence[str] | None) -> int:
    try:
        code = cli.main(args, prog_name="streamml", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx is not None else "streamml"
        hint = f"{error.format_message().rstrip('.')}; see {command} --help."
        if "unexpected extra argument" in hint:
            hint = f"Names with commas between them take no blanks, or quotes around all. {hint}"
        return _complain(hint, error.exit_code)
    except click.ClickException as error:
        return _complain(error.format_message(), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _interrupted()
    except StreamMLError as error:
        return _complain(str(error), 2)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _complain(f"{where}{error.strerror or error}.", 2)
    return code if isinstance(code, int) else 0


def _complain(sentence: str, code: int) -> int:
    say(sentence)
    return code


def _interrupted() -> int:
    click.echo("streamml: interrupted.", err=True)
    return _INTERRUPTED
