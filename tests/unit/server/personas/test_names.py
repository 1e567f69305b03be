"""Personas by name."""

from __future__ import annotations

import ftplib
import re
import subprocess
import sys

import pytest

from ftpfixture import FtpServer
from ftpfixture.errors import ConfigurationError
from ftpfixture.server import Server
from ftpfixture.server.dispatch import build_table
from ftpfixture.server.persona import Persona, ReplyText
from ftpfixture.server.personas import PERSONAS, PersonaName, named
from tests.support.raw import RawClient


@pytest.mark.parametrize("name", PERSONAS)
def test_a_persona_is_whole(name: PersonaName) -> None:
    """Its verbs are those of a server, each text says where it was seen, and a server takes it."""
    persona = named(name)
    assert persona.seen
    assert all(text.seen for text in persona.replies)
    known = {verb.upper() for verb in build_table(Server)}
    assert (persona.offered or set()) - known == set()
    assert Server(persona=name).persona is persona


def test_an_unknown_name() -> None:
    """The error has all names."""
    names = re.escape(", ".join(PERSONAS))
    with pytest.raises(ConfigurationError, match=f"persona takes one of {names}, or a Persona, .*, not 'vsftp'"):
        FtpServer(persona="vsftp")  # type: ignore[arg-type]


def test_personas_are_imported_on_use() -> None:
    """A server without one imports none of their modules."""
    code = """if True:
        import sys
        from ftpfixture import FtpServer
        FtpServer()
        print([name for name in sys.modules if name.startswith("ftpfixture.server.personas.")])
        FtpServer(persona="bambu")
        print(sorted(name for name in sys.modules if name.startswith("ftpfixture.server.personas.")))
    """
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split("\n")
    assert found[0] == "['ftpfixture.server.personas.names']"
    assert found[1] == str([f"ftpfixture.server.personas.{name}" for name in ("bambu", "names", "table", "vsftpd")])


OTHER = Persona(
    offered=frozenset({"USER", "PASS", "QUIT", "NOOP", "LIST", "PASV", "SITE", "SITE HELP"}),
    before_login=frozenset({"USER", "PASS"}),
    replies=(
        ReplyText("*", "530", ("Who are you?",)),
        ReplyText("SITE", "500", ("No {command}",)),
        ReplyText("LIST", "450", ("Nothing there",), instead_of="550"),
        ReplyText("USER", "331", ("Name?",), instead_of="501"),
    ),
    quirks={"system": "Other"},
)


def test_what_a_persona_does_otherwise() -> None:
    """Logins, verbs, codes and settings; a setting that is given takes precedence."""
    with FtpServer(persona=OTHER) as server, RawClient(server.address) as client:
        client.reply()
        rows = [
            ("NOOP", "530 Who are you?"),
            ("XFOO", "530 Who are you?"),
            ("USER", "331 Name?"),
            ("USER user", "331 Password required"),
            ("PASS password", "230 Login successful"),
            ("NOOP", "200 Nothing done"),
            ("PWD", "502 PWD is not implemented"),
            ("SITE CHMOD 644 a", "500 No SITE CHMOD"),
            ("SITE XFOO", "500 No SITE XFOO"),
        ]
        for command, expected in rows:
            reply = client.ask(command)
            assert f"{reply.code} {reply.text}" == expected, command
    assert Server(persona=OTHER).system == "Other"
    assert Server(persona=OTHER, system="mine").system == "mine"


@pytest.mark.ftp(persona=OTHER)
def test_a_code_that_means_something_else(ftp_server: FtpServer) -> None:
    """The own code of a failure is replaced, too."""
    with ftplib.FTP() as ftp:
        ftp.connect(*ftp_server.address)
        ftp.login(*ftp_server.credentials)
        ftp.makepasv()
        with pytest.raises(ftplib.error_temp, match="450 Nothing there"):
            ftp.sendcmd("LIST nowhere")
    ftp_server.log.assert_sent("LIST nowhere -> 450")


@pytest.mark.ftp(empty_if_missing=["LIST"], files={"/a": b""})
def test_missing_is_empty(ftp_server: FtpServer) -> None:
    """For LIST and STAT, not for NLST."""
    with ftplib.FTP() as ftp:
        ftp.connect(*ftp_server.address)
        ftp.login(*ftp_server.credentials)
        lines: list[str] = []
        ftp.retrlines("LIST nowhere", lines.append)
        ftp.retrlines("LIST *.none", lines.append)
        assert lines == []
        assert ftp.sendcmd("STAT nowhere").startswith("213")
        with pytest.raises(ftplib.error_perm, match="550"):
            ftp.nlst("nowhere")
    with pytest.raises(ConfigurationError, match="empty_if_missing takes 'LIST', 'NLST' or both"):
        FtpServer(empty_if_missing=["MLSD"])
