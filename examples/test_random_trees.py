"""A mirror of random trees: whatever a partner sends arrives, under names that code stumbles over, too."""

import ftplib
from pathlib import Path

import pytest

from ftpfixture import FtpServer


def mirror(server: FtpServer, folder: str, target: Path) -> None:
    """Download a folder with all below it."""
    with ftplib.FTP(timeout=10) as ftp:
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        waiting = [(folder, target)]
        while waiting:
            folder, target = waiting.pop()
            target.mkdir(exist_ok=True)
            for name, facts in list(ftp.mlsd(folder)):
                if facts["type"] == "dir":
                    waiting.append((f"{folder}/{name}", target / name))
                elif facts["type"] == "file":
                    with (target / name).open("wb") as file:
                        ftp.retrbinary(f"RETR {folder}/{name}", file.write)


@pytest.mark.ftp(files="random:40")
def test_mirror(ftp_server: FtpServer, tmp_path: Path) -> None:
    mirror(ftp_server, "", tmp_path / "copy")
    copied = {f"/{path.relative_to(tmp_path / 'copy').as_posix()}": path for path in (tmp_path / "copy").rglob("*")}
    assert {path: file.read_bytes() for path, file in copied.items() if file.is_file()} == ftp_server.files


def test_odd_names(ftp_server: FtpServer, ftp_hostile_names: list[str], tmp_path: Path) -> None:
    names = [name for name in ftp_hostile_names if name.isprintable() and not name.startswith("/")]
    ftp_server.files.update({f"/in/{name}": b"x" for name in names})
    mirror(ftp_server, "/in", tmp_path / "copy")
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == sorted(names)
