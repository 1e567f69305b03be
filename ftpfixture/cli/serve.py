"""``ftpfixture serve``: a server with files and users."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import rich_click as click

from ftpfixture.cli.options import FOLDER, file_options, listening, server_of, tls_options, with_files
from ftpfixture.cli.running import about_tls, place, run
from ftpfixture.server import ANY_PASSWORD, Permission, User
from ftpfixture.server.personas import PERSONAS
from ftpfixture.testing.ftpserver import FtpServer

__all__ = ["serve"]

_DEFAULT = ("user:password", "anonymous")


@click.command(
    context_settings={"allow_extra_args": True},  # refused below, with what was meant
    epilog='Example: `ftpfixture serve --user ann:secret --copy ./data --fault "RETR #2: reset_data"`',
)
@click.option(
    "--user",
    "users",
    multiple=True,
    metavar="NAME[:PASSWORD]",
    help="Who may log in; without a password, with any. May be repeated. [default: user:password, and anonymous]",
)
@click.option("--root", type=FOLDER, help="Serve this folder of the disk: clients change it.")
@file_options
@click.option(
    "--random", "count", type=click.IntRange(1), metavar="N", help="Serve N files with names of business data."
)
@click.option("--seed", type=click.IntRange(0), metavar="N", help="Which files --random draws. [default: 0]")
@click.option("--read-only", is_flag=True, help="Let clients change nothing.")
@click.option("--persona", type=click.Choice(PERSONAS), help="Say what this other server says.")
@tls_options
@listening
@click.pass_context
def serve(
    context: click.RichContext,
    /,
    users: tuple[str, ...],
    root: Path | None,
    copied: Path | None,
    files: tuple[str, ...],
    count: int | None,
    seed: int | None,
    read_only: bool,
    quiet: bool,
    **settings: Any,
) -> int:
    """Run an FTP server, with its files in memory or in a folder, until Ctrl-C.

    The first line of the output is `listening on HOST:PORT`. Then the dialogue of every session follows: `>` is a
    command, `<` a reply, `=` a transfer, `!` a fault, `*` anything else.
    """
    if context.args:
        folder = context.args[0]
        raise click.UsageError(
            f"serve takes options only: --root {folder} serves that folder, --copy {folder} a copy of it"
        )
    if root is not None and (copied is not None or files):
        raise click.UsageError("--root serves a folder of the disk, --copy and --file are for files in memory: use one")
    if settings["allow_remote"] and not users:
        raise click.UsageError("--allow-remote lets other machines in: say who may log in, with --user NAME:PASSWORD")
    known = [_user(text, read_only) for text in users or _DEFAULT]
    drawn = {} if count is None else {"files": f"random:{count}"}
    server = server_of(settings, users=known, root=root, seed=seed, **drawn)
    with_files(server, copied, files)
    return run(server, lambda: _about(server, users, root), quiet)


def _user(text: str, read_only: bool) -> User:
    login, has_password, password = text.partition(":")
    if not login:
        raise click.UsageError(f"--user takes NAME:PASSWORD, or NAME for any password, not {text!r}")
    permissions = [Permission(writable=False)] if read_only else None
    return User(login, password if has_password else ANY_PASSWORD, permissions=permissions)


def _about(server: FtpServer, users: Iterable[str], root: Path | None) -> Iterator[str]:
    names = [text.partition(":")[0] for text in users]
    yield f"users: {', '.join(names) or 'user with the password password, and anonymous'}"
    yield f"files: {f'in memory, {len(server.files)}' if root is None else f'those of {root}'}"
    yield from about_tls(server)
    scheme = "ftps" if server.server.implicit_tls else "ftp"
    options = f"-u {shlex.quote(names[0])} " if names else ""
    if server.server.ssl is not None:
        options += f"--ssl-reqd --cacert {server.tls.ca_file} "
    yield f"try: curl {options}{scheme}://{place(server)}/"
