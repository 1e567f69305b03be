"""The program ``ftpfixture``: its commands, and what it does with errors.

One rule: a mistake of the user is one sentence on standard error and the exit code 2, never a traceback.

A command is a function in a module of its own, which is imported when the command is used. It returns its exit code;
None is 0. Exit codes: 0 for success, 1 for findings (differences, faults that never happened, damaged recordings), 2
for an error of the user or the machine, 130 when Ctrl-C ends a command that is no server.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

import rich_click as click

from ftpfixture.checks import suggest
from ftpfixture.cli.wording import with_options
from ftpfixture.errors import FtpFixtureError

__all__ = ["COMMANDS", "Commands", "cli", "main"]

COMMANDS = {
    "serve": "ftpfixture.cli.serve:serve",
    "record": "ftpfixture.cli.record:record",
    "replay": "ftpfixture.cli.replay:replay",
    "proxy": "ftpfixture.cli.proxy:proxy",
    "import": "ftpfixture.cli.import_:import_",
    "check": "ftpfixture.cli.check:check",
    "show": "ftpfixture.cli.show:show",
    "diff": "ftpfixture.cli.diff:diff",
    "sweep": "ftpfixture.cli.sweep:sweep",
    "faults": "ftpfixture.cli.faults:faults",
}
"""The commands: the module of each, and its function there."""

_INTERRUPTED = 130  # 128 and the number of SIGINT, as shells report it


class Commands(click.RichGroup):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name; None when there is none."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, function = place.partition(":")
        found = getattr(import_module(module), function)
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments begin with.

        Raises:
            UsageError: There is no such command; the text names the nearest.
        """
        if args[0] not in COMMANDS:
            raise click.UsageError(f"There is no command {args[0]!r}: {suggest(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an error that a user can cause becomes a sentence that names options, not settings."""
        try:
            return super().invoke(ctx)
        except (FtpFixtureError, OSError) as error:
            if isinstance(error, BrokenPipeError):
                raise  # the reader of the output is gone
            command = self.get_command(ctx, ctx.invoked_subcommand or "")
            text = with_options(_text(error), command)
            raise click.UsageError(text) from error  # without a context: its help does not help


def _text(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror
    return str(error) or type(error).__name__


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.rich_config(help_config={"text_markup": "markdown", "max_width": 100})
@click.version_option(package_name="ftpfixture", message="%(package)s %(version)s")
def cli() -> None:
    """FTP servers for tests: servers that fail on demand, proxies, and recorded sessions.

    Each command has its own help: `ftpfixture serve --help`.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Args:
        arguments: Those after the name of the program; None for those of this process.

    Returns:
        The exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of files that the terminal cannot show
    try:
        code = cli.main(arguments, None if arguments is None else "ftpfixture", standalone_mode=False)
    except click.Abort:
        click.echo("Interrupted.", err=True)
        return _INTERRUPTED
    except click.UsageError as error:
        hint = "" if error.ctx is None else f"\nTry '{error.ctx.command_path} --help' for help."
        click.echo(f"Error: {error.format_message()}{hint}", err=True)
        return error.exit_code
    except click.ClickException as error:
        click.echo(f"Error: {error.format_message()}", err=True)
        return error.exit_code
    return code if isinstance(code, int) else 0
