"""The options that several commands have, and what they mean as settings of a server.

One rule: an option has the meaning of the setting of `FtpServer` of that name, and the setting checks its value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import rich_click as click

from ftpfixture.faults.presets import PRESETS
from ftpfixture.testing.certificates import KINDS
from ftpfixture.testing.ftpserver import FtpServer

__all__ = ["fault_names", "listening", "server_of", "tls_options"]

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

tls_options = _all(
    click.option(
        "--tls",
        type=click.Choice(["explicit", "implicit", "required"]),
        help="FTPS: AUTH TLS, TLS from the first byte, or AUTH TLS and nothing without it.",
    ),
    click.option("--certificate", type=click.Choice(KINDS), default="valid", help="The certificate of the server."),
)
"""The options of a server that may have TLS."""
