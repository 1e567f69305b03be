"""``ftpfixture proxy``: faults and the dialogue in front of a real server."""

from __future__ import annotations

from typing import Any

import rich_click as click

from ftpfixture.cli.options import listening, server_of, tls_options
from ftpfixture.cli.running import run
from ftpfixture.cli.upstream import UpstreamTls, about_upstream, target_of, upstream_options

__all__ = ["proxy"]


@click.command(epilog='Example: `ftpfixture proxy --upstream ftp.example.com --fault "RETR #2: reset_data at=50%"`')
@upstream_options
@tls_options
@listening
def proxy(upstream: str, upstream_tls: UpstreamTls | None, quiet: bool, **settings: Any) -> int:
    """Pass everything on to a real server, with faults in front of it, until Ctrl-C.

    Point your client at `HOST:PORT` of the first line of the output, and log in as at the real server. The dialogue of
    every session follows, with passwords starred.
    """
    target = target_of(upstream, upstream_tls)
    server = server_of(settings, upstream=target)
    return run(server, lambda: about_upstream(server, target), quiet)
