"""The options of commands that stand in front of a real server, and the real server that they mean.

One rule: what the options say twice must agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal, TypeVar

import rich_click as click

from ftpfixture.cli.running import about_tls
from ftpfixture.recording.target import Target
from ftpfixture.testing.ftpserver import FtpServer

__all__ = ["UpstreamTls", "about_upstream", "target_of", "upstream_options"]

F = TypeVar("F", bound=Callable[..., Any])
UpstreamTls = Literal["client", "none", "explicit", "implicit"]


def upstream_options(function: F) -> F:
    """The options that name the real server."""
    name = click.option(
        "--upstream",
        required=True,
        metavar="HOST[:PORT]",
        help="The real server: `HOST`, `HOST:PORT`, or a URL with `ftp://` or `ftps://`.",
    )
    tls = click.option(
        "--upstream-tls",
        type=click.Choice(["client", "none", "explicit", "implicit"]),
        help="TLS to the real server: what the client asks for, none, AUTH TLS, or TLS from the first byte. "
        "[default: client; implicit for ftps://]",
    )
    return name(tls(function))


def target_of(upstream: str, tls: UpstreamTls | None) -> Target:
    """The real server.

    Args:
        upstream: As the user named it.
        tls: As the user chose it; None for what the name says.

    Raises:
        UsageError: The name is none, or says another kind of TLS.
    """
    implicit = upstream.startswith("ftps://")
    if tls is not None and "://" in upstream and implicit is not (tls == "implicit"):
        raise click.UsageError(
            f"--upstream {upstream} with --upstream-tls {tls}: ftps:// is implicit TLS, and ftp:// is not"
        )
    try:
        target = Target.parse(f"ftps://{upstream}" if tls == "implicit" and not implicit else upstream)
    except ValueError:
        raise click.UsageError(
            f"--upstream takes HOST, HOST:PORT or a URL such as ftp://HOST:PORT, without a path, not {upstream!r}"
        ) from None
    return target if tls is None else replace(target, tls=tls)


def about_upstream(server: FtpServer, target: Target) -> Iterator[str]:
    """Lines that tell the user where the commands of clients go."""
    tls = "TLS as the client asks" if target.tls == "client" else f"{target.tls} TLS"
    yield f"upstream: {target.host}:{target.port}, {'no TLS' if target.tls == 'none' else tls}"
    yield from about_tls(server)
