"""The code under test in these examples: a nightly exchange of files with a partner, on ftplib.

The partner puts files into an outbox, from which each is fetched once, and expects a report in an inbox. Connections
break, so the next night continues what one night could not finish. A file gets its final name only when it is complete,
on both sides.
"""

from __future__ import annotations

import ftplib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

PART = ".part"


class FeedError(Exception):
    """The exchange failed; what was transferred so far is kept, and the next call continues from there."""


@dataclass(frozen=True)
class Partner:
    """Where the partner's server is."""

    host: str
    port: int
    user: str
    password: str
    outbox: str = "/out"
    inbox: str = "/in"
    timeout: float = 30


def sync(partner: Partner, folder: Path, report: Path) -> list[Path]:
    """Fetch every new file of the outbox into `folder`, then deliver the report; returns the fetched files.

    Raises:
        FeedError: The server could not be reached, refused a command or closed the connection.
    """
    with session(partner) as ftp:
        new = fetch_new(ftp, partner.outbox, folder)
        deliver(ftp, report, partner.inbox)
    return new


@contextmanager
def session(partner: Partner) -> Iterator[ftplib.FTP]:
    """A connection that is logged in; every FTP error in the block becomes a FeedError."""
    try:
        with ftplib.FTP(timeout=partner.timeout) as ftp:  # sends QUIT at the end
            ftp.connect(partner.host, partner.port)
            ftp.login(partner.user, partner.password)
            yield ftp
    except ftplib.all_errors as error:
        raise FeedError(f"{partner.host}: {error}") from error


def fetch_new(ftp: ftplib.FTP, outbox: str, folder: Path) -> list[Path]:
    """Download files that `folder` does not have yet, and resume incomplete ones; returns the new files."""
    new = []
    for name, size in sorted(remote_files(ftp, outbox)):
        target = folder / name
        if not target.exists():
            download(ftp, f"{outbox}/{name}", size, target)
            new.append(target)
    return new


def remote_files(ftp: ftplib.FTP, directory: str) -> list[tuple[str, int]]:
    """Name and size of each file in a directory, by MLSD or, if the server does not have it, by NLST and SIZE."""
    try:
        facts = list(ftp.mlsd(directory))
    except ftplib.error_perm as error:
        if not str(error).startswith("50"):
            raise
    else:
        return [(name, int(fact["size"])) for name, fact in facts if fact["type"] == "file"]
    # Some servers answer NLST with names, others with paths.
    names = {PurePosixPath(entry).name for entry in ftp.nlst(directory)}
    sizes = {name: remote_size(ftp, f"{directory}/{name}") for name in names}
    return [(name, size) for name, size in sizes.items() if size is not None]


def remote_size(ftp: ftplib.FTP, path: str) -> int | None:
    """The size of a file in bytes; None if the path is not a file or does not exist."""
    ftp.voidcmd("TYPE I")  # in TYPE A a server may refuse SIZE, or count each line end as two bytes
    try:
        return ftp.size(path)
    except ftplib.error_perm as error:
        if not str(error).startswith("550"):
            raise
        return None


def download(ftp: ftplib.FTP, path: str, size: int, target: Path) -> None:
    """Download a file, starting where an earlier attempt ended."""
    part = target.with_name(target.name + PART)
    offset = part.stat().st_size if part.exists() else 0
    if offset > size:  # the partner has replaced the file since
        offset = 0
    with part.open("ab") as file:
        file.truncate(offset)
        ftp.retrbinary(f"RETR {path}", file.write, rest=offset or None)
    if part.stat().st_size != size:
        raise FeedError(f"{path}: {part.stat().st_size} bytes arrived, expected {size}")
    part.replace(target)


def deliver(ftp: ftplib.FTP, report: Path, inbox: str) -> None:
    """Upload the report under a temporary name, starting where an earlier attempt ended; rename it when complete."""
    target = f"{inbox}/{report.name}"
    offset = remote_size(ftp, target + PART) or 0
    if offset > report.stat().st_size:
        offset = 0
    with report.open("rb") as file:
        file.seek(offset)
        ftp.storbinary(f"STOR {target}{PART}", file, rest=offset or None)
    ftp.rename(target + PART, target)
