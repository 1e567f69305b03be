"""The options that several commands have, and what they mean as settings of a server.

One rule: an option has the meaning of the setting of `FtpServer` of that name, and the setting checks its value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import rich_click as click

from ftpfixture.faults.presets import PRESETS
from ftpfixture.testing.certificates import KINDS
from ftpfixture.testing.ftpserver import FtpServer

__all__ = ["FOLDER", "fault_names", "file_options", "listening", "server_of", "tls_options", "with_files"]

F = TypeVar("F", bound=Callable[..., Any])

_COMMON: Mapping[str, Any] = {
    "hang_after": None,  # a person sees that a client waits, and a client of a person may wait for hours
    "log_limit": 1000,  # a server that runs for days keeps no more; findings are kept apart
}


def server_of(options: Mapping[str, Any], **settings: Any) -> FtpServer:
    """The server that options mean; it does not listen yet.

    Args:
        options: Values of options whose names are those of settings.
        settings: Further settings.

    Raises:
        ConfigurationError: A value cannot work.
    """
    return FtpServer(**{**_COMMON, **options, **settings})


def fault_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The named faults that begin with a text, for shell completion."""
    return [name for name in PRESETS if name.startswith(incomplete)]


def _all(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


listening = _all(
    click.option("--host", default="127.0.0.1", metavar="HOST", show_default=True, help="Listen on this address."),
    click.option(
        "--port", "-p", default=2121, metavar="N", show_default=True, help="Listen on this port; 0 is any free port."
    ),
    click.option("--allow-remote", is_flag=True, help="Allow addresses that other machines can reach."),
    click.option(
        "--fault",
        "faults",
        multiple=True,
        metavar="FAULT",
        shell_complete=fault_names,
        help='What goes wrong, such as "RETR #2: reset_data at=50%" or a name of `ftpfixture faults`. May be repeated.',
    ),
    click.option("--quiet", "-q", is_flag=True, help="Do not print the dialogue of the clients."),
)
"""The options of every command that listens."""

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
"""The type of an option that takes a folder."""

file_options = _all(
    click.option("--copy", "copied", type=FOLDER, help="Serve a copy of this folder in memory."),
    click.option(
        "--file",
        "files",
        multiple=True,
        metavar="[/PATH=]FILE",
        help="Serve a copy of this file in memory, as /PATH. May be repeated.",
    ),
)
"""The options of a server with files in memory; see `with_files`."""


def with_files(server: FtpServer, copied: Path | None, files: Iterable[str]) -> None:
    """Put files into the memory of a server: a copy of a folder, and those of ``--file``."""
    if copied is not None:
        server.files.load(copied)
    for text in files:
        path, file = _named(text)
        server.files.set(path, file.read_bytes(), modified=file.stat().st_mtime)


def _named(text: str) -> tuple[str, Path]:
    """A value of ``--file``: the path for clients, and the file."""
    if text.startswith("/") and "=" in text:
        path, _, file = text.partition("=")
        return path, Path(file)
    return f"/{Path(text).name}", Path(text)


tls_options = _all(
    click.option(
        "--tls",
        type=click.Choice(["explicit", "implicit", "required"]),
        help="FTPS: AUTH TLS, TLS from the first byte, or AUTH TLS and nothing without it.",
    ),
    click.option("--certificate", type=click.Choice(KINDS), default="valid", help="The certificate of the server."),
)
"""The options of a server that may have TLS."""
