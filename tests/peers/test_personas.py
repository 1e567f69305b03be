"""Personas beside the servers that they are made after: the same script to both, compared reply by reply."""

from __future__ import annotations

import ftplib
import io
import subprocess
from pathlib import Path

import pytest

from ftpfixture import FtpServer
from ftpfixture.files.stored import Stored
from ftpfixture.server.personas import PERSONAS, PersonaName
from tests.support.persona_script import FILES, MODIFIED, fill, play
from tests.support.servers import Aioftp, Peer, Proftpd, PureFtpd, Pyftpdlib, Vsftpd

pytestmark = pytest.mark.illegal_replies

_LOGIN = "a second login is one like the first"
_BEFORE = "some commands need a login, or need none"
_PATTERNS = "it has no patterns or flags in listings"
_NETWORK = "it has other address families, and takes other addresses"
_BEYOND = "the place behind the end of a file is in the text, or is accepted"
_ONE_TEXT = "one text for two reasons"
_LATE = "it makes a data connection first, and finds errors later"
_STATE = "a failure leaves other state behind"
_ALL = "EPSV ALL is not known, or has other effects"
_UNLIKE = "a command that does something else"

DIFFERENCES: dict[type[Peer], dict[str, str]] = {
    Vsftpd: {
        "1 AUTH XFOO": "a server without TLS does not know AUTH, before the login neither",
        "< RETR a.csv''": _BEYOND,
        "USER user'": _LOGIN,
        "PASS password'": _LOGIN,
    },
    Proftpd: {
        "1 TYPE I": _BEFORE,
        "1 STAT": _BEFORE,
        "RNTO out": _ONE_TEXT,
        "EPSV 2": _NETWORK,
        "PORT 10,0,0,1,200,1": _NETWORK,
        "< LIST missing": _LATE,
        "< LIST *.none": _LATE,
        "< NLST *.none": _ONE_TEXT,
        "OPTS MLST size;type;": "facts are in the order of the client",
        "OPTS": _ONE_TEXT,
        "RANG 0 3": _UNLIKE,
        "CSID x": _UNLIKE,
        "USER user'": _LOGIN,
        "PASS password'": _LOGIN,
    },
    PureFtpd: {
        "1 TYPE I": _BEFORE,
        'MKD "q"': "it does not double quotes",
        "EPSV 2": _NETWORK,
        "EPSV 9": _NETWORK,
        "EPSV x": _NETWORK,
        "PORT 10,0,0,1,200,1": _NETWORK,
        "< LIST -a out": _ONE_TEXT,
        "< NLST a.csv": _PATTERNS,
        "< NLST *.csv": _PATTERNS,
        "< RETR a.csv''": _BEYOND,
        "< RETR a.csv'''": "a warning for TYPE A",
        "> STOR up.txt": "a warning for TYPE A",
        "> STOU": "two preliminary lines",
        "> STOU name": "two preliminary lines",
        "PASV'": _ALL,
        "USER user'": _LOGIN,
        "PASS password'": _LOGIN,
    },
    Pyftpdlib: {
        "1 STAT": _BEFORE,
        **dict.fromkeys([f"2 {step}" for step in ("RETR a.csv", "STOR x", "LIST", "NLST", "MLSD", "APPE x")], _LATE),
        "PORT 127,0,0,1,0,5": "the port and the address are in the text",
        "PORT 10,0,0,1,200,1": "the port and the address are in the text",
        "EPRT |1|127.0.0.1|99|": "the port and the address are in the text",
        "< LIST -a out": _PATTERNS,
        "< LIST *.csv": _PATTERNS,
        "< NLST *.csv": _PATTERNS,
        "< RETR a.csv''": _BEYOND,
        "OPTS MLST size;type;": "facts are in the order of the client",
        "USER user'": _LOGIN,
    },
    Aioftp: {
        "1 USER stranger": "it tells that there is no such user",
        "1 PASS wrong": "it tells that there is no such user",
        "MKD missing/new": "it makes all directories of a path",
        "DELE missing": _ONE_TEXT,
        "RNFR missing": _LATE,
        "RNTO x": _STATE,
        "RNTO out": _ONE_TEXT,
        "RNTO": _STATE,
        "PASV": "its listener stays from command to command",
        **dict.fromkeys(["EPSV 1", "EPSV 2", "EPSV 9", "EPSV x", "EPSV ALL", "PASV'"], _ALL),
        "< LIST -a out": _PATTERNS,
        "< LIST *.csv": _PATTERNS,
        "< LIST *.none": _PATTERNS,
        "< MLSD missing": _LATE,
        "< MLSD a.csv": _LATE,
        "< RETR missing": _ONE_TEXT,
        "< RETR a.csv''": _BEYOND,
        "> STOR missing/x": "it makes all directories of a path",
        "> STOR out": _LATE,
        "> APPE out": _LATE,
    },
}
"""What is left, by server and step, and why; everything else is the same, letter by letter."""


@pytest.mark.parametrize("kind", DIFFERENCES, ids=lambda kind: kind.name, indirect=True)
def test_a_persona_says_what_the_server_says(peer: Peer, kind: type[Peer]) -> None:
    """257 steps: commands before the login, without argument, with wrong ones, on missing paths, out of order."""
    fill(peer.root)
    real = play((peer.host, peer.port))
    files = {f"/{name}": Stored(content=((0, content),), modified=MODIFIED) for name, content in FILES.items()}
    with FtpServer(persona=_name_of(kind), files={**files, "/empty/": None}) as server:
        said = play(server.address)
    differing = {step: (real[step], said.get(step)) for step in real if real[step] != said.get(step)}
    unknown = {step: texts for step, texts in differing.items() if step not in DIFFERENCES[kind]}
    assert not unknown
    assert DIFFERENCES[kind].keys() <= differing.keys(), "a difference is gone: take it out of the table"


def _name_of(kind: type[Peer]) -> PersonaName:
    return next(name for name in PERSONAS if name == kind.name)


@pytest.mark.parametrize("name", [name for name in PERSONAS if name not in ("minimal-rfc959", "bambu")])
def test_clients_work_with_every_persona(name: PersonaName, tmp_path: Path) -> None:
    """Such as ftplib and curl, which meet other codes and texts."""
    with FtpServer(persona=name, files={"/in/a.csv": b"a,b\n"}) as server:
        with ftplib.FTP(timeout=10) as ftp:
            ftp.connect(*server.address)
            ftp.login(*server.credentials)
            ftp.storbinary("STOR b.csv", io.BytesIO(b"1,2\n"))
            content = io.BytesIO()
            ftp.retrbinary("RETR in/a.csv", content.write)
            lines: list[str] = []
            ftp.retrlines("LIST in", lines.append)
        assert content.getvalue() == b"a,b\n"
        assert [line.split()[-1] for line in lines] == ["a.csv"]
        target = tmp_path / "a.csv"
        url = server.url_for("/in/a.csv")
        curl = ["curl", "-sS", "--max-time", "20", "-u", ":".join(server.credentials), "-o", str(target), url]
        assert subprocess.run(curl, check=False).returncode == 0
        assert server.files == {"/in/a.csv": b"a,b\n", "/b.csv": target.read_bytes().replace(b"a,b", b"1,2")}


def test_the_smallest_server(tmp_path: Path) -> None:
    """Active mode only, and nothing that tells a size."""
    with FtpServer(persona="minimal-rfc959", files={"/a.csv": b"a,b\n"}) as server, ftplib.FTP(timeout=10) as ftp:
        ftp.connect(*server.address)
        ftp.login(*server.credentials)
        ftp.set_pasv(False)
        content = io.BytesIO()
        ftp.retrbinary("RETR a.csv", content.write)
        assert content.getvalue() == b"a,b\n"
        for command in ("PASV", "EPSV", "SIZE a.csv", "FEAT", "MLSD", "REST 1", "PWD", "SYST"):
            with pytest.raises(ftplib.error_perm, match=r"^502 "):
                ftp.sendcmd(command)


def test_a_printer_wants_a_resumed_session(tmp_path: Path) -> None:
    """As curl does it, which can also be told not to."""
    (tmp_path / "plate.3mf").write_bytes(b"3mf")
    with FtpServer(persona="bambu", tls="implicit") as server:
        user, password = server.credentials
        curl = ["curl", "-sS", "--cacert", str(server.tls.ca_file), "--max-time", "20", "-u", f"{user}:{password}"]
        upload = ["-T", "plate.3mf", f"{server.url}/plate.3mf"]
        assert subprocess.run([*curl, *upload], cwd=tmp_path, check=False).returncode == 0
        assert server.files == {"/plate.3mf": b"3mf"}
        refused = subprocess.run([*curl, "--no-sessionid", *upload], cwd=tmp_path, capture_output=True, text=True)
        assert refused.returncode != 0
        server.log.assert_sent("STOR -> 522")
