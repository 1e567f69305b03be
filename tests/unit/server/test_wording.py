"""Replies in the words of a persona."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import PurePath, PurePosixPath
from types import FrameType
from typing import Any

import pytest

from ftpfixture import Connection, FtpServer, MemoryUserManager, Server, User
from ftpfixture.errors import CommandRefused, ConfigurationError
from ftpfixture.server import persona as personas
from ftpfixture.server import session as sessions
from ftpfixture.server import wording as wordings
from ftpfixture.server.persona import ANY_VERB, GREETING, Persona, ReplyText
from ftpfixture.server.wording import PLACEHOLDERS
from tests.support.raw import RawClient
from tests.support.rows import table

FILES = {"/out/a.csv": b"a,b\n1,2\n", '/out/"x"/b': b""}
PERSONA = Persona(
    system="MVS",
    features=("MDTM", "SIZE"),
    refused=frozenset({"MLSD"}),
    replies=(
        ReplyText(GREETING, "220", ("server {host}", "session {session} at {now:%Y}, port {port}")),
        ReplyText("USER", "331", ("password of {user}",)),
        ReplyText("PASS", "230", ("{user} from {client}",)),
        ReplyText("FEAT", "211", ("I can", "That is all"), framed=True),
        ReplyText("CWD", "250", ("now in {directory}",)),
        ReplyText("MKD", "257", ('"{path}" made',)),
        ReplyText("PASV", "227", ("Come to ({address}).",)),
        ReplyText("EPSV", "229", ("Come to (|||{data_port}|)",)),
        ReplyText("REST", "350", ("from {argument}",)),
        ReplyText("RETR", "150", ("{type} {file} is {path}: {size} {unit} of {whole_size}",)),
        ReplyText("RETR", "250", ("sent {{all}}",)),
        ReplyText("RETR", "550", ("{size} unknown",)),  # a file that is not there has none
        ReplyText("RETR", "550", ("no {file}",)),
        ReplyText("HELP", "214", ("Help yourself", "QUIT", "Good luck"), listing=True),
        ReplyText("NOOP", "200", ("zzz",)),
        ReplyText("LIST", "226", ("{entries} entries of {lower_verb}",)),
        ReplyText("SITE", "500", ("no {command}",)),
        ReplyText("JOB", "250", ("job {word} begins",), argument="5 now"),
        ReplyText(ANY_VERB, "500", ("{verb}?",)),
    ),
)


def said(client: RawClient, *commands: str) -> list[str]:
    """The replies to commands, each with its code."""
    replies = [client.ask(command) for command in commands]
    return [f"{reply.code} {'|'.join(reply.lines)}" for reply in replies]


@pytest.mark.ftp(files=FILES, persona=PERSONA, clock=lambda: 0.0)
def test_replies_have_the_texts_of_a_persona_with_values_of_the_command(ftp_server: FtpServer) -> None:
    """Every placeholder has a value; a text without one for this reply is not used."""
    with RawClient(ftp_server.address) as client:
        host, port = ftp_server.address
        assert client.reply().lines == (f"server {host}", f"session 1 at 1970, port {port}")
        assert said(client, "USER user", "PASS password") == ["331 password of user", "230 user from 127.0.0.1"]
        assert said(client, "SYST", "FEAT", "HELP") == [
            "215 MVS",
            "211 I can| MDTM| SIZE|That is all",
            "214 Help yourself| QUIT|Good luck",
        ]
        assert said(client, "JOB 5 now", "JOB 6 now") == ["250 job 5 begins", "500 JOB?"]
        assert said(client, "MLSD", "FOO", "MKD no/dir") == ["500 MLSD?", "500 FOO?", "550 No such file or directory"]
        assert said(client, "CWD out", 'MKD "y"') == ["250 now in /out", '257 "/out/""y""" made']
        assert said(client, "TYPE I", "REST 3", "RETR nothing") == ["200 Type set to I", "350 from 3", "550 no nothing"]
        assert said(client, "PASV", "EPSV")[0].startswith("227 Come to (127,0,0,1,")
        with client.passive("EPSV"):
            assert said(client, "REST 3", "RETR a.csv") == [
                "350 from 3",
                "150 BINARY a.csv is /out/a.csv: 5 bytes of 8",
            ]
            assert client.reply().lines == ("sent {all}",)
        with client.passive("EPSV"):
            client.ask("LIST /out")
            assert client.reply().lines == ("3 entries of list",)
        assert said(client, "SITE FOO x") == ["500 no SITE FOO"]


def test_every_placeholder_is_used_above() -> None:
    """A new placeholder gets its line."""
    texts = " ".join([line for text in PERSONA.replies for line in text.lines])

    assert [name for name in PLACEHOLDERS if f"{{{name}" not in texts] == []


class Own(Server):
    """A server with own texts: an override, a command, a hook that refuses."""

    async def noop(self, connection: Connection, rest: str) -> bool:
        """See Server."""
        connection.response("200", "my own")
        return True

    @staticmethod
    def get_paths(connection: Connection, path: str | PurePosixPath) -> tuple[PurePath, PurePosixPath]:
        """See BaseServer."""
        if str(path) == "sunday":
            raise CommandRefused("550", "not on a Sunday")
        return Server.get_paths(connection, path)


@pytest.mark.ftp(server_class=Own, persona=PERSONA, welcome_message="mine", system="VMS", disable=())
def test_own_texts_and_given_settings_take_precedence(raw: RawClient) -> None:
    """A subclass, an error that it raises, and settings are not overruled by a persona."""
    assert said(raw, "NOOP", "SYST", "RETR sunday", "RETR monday") == [
        "200 my own",
        "215 VMS",
        "550 not on a Sunday",
        "550 no monday",
    ]


class Guarded(MemoryUserManager):
    """A user manager of a test."""

    async def get_user(self, login: str) -> Any:
        """See AbstractUserManager."""
        response, user, _ = await super().get_user(login)
        return response, user, "Who knows you?"


@pytest.mark.ftp(users=Guarded([User("user", "password", base_path="/")]), persona=PERSONA)
def test_a_user_manager_keeps_its_texts(ftp_server: FtpServer) -> None:
    """The texts of logins are those of the manager that makes them."""
    with RawClient(ftp_server.address) as client:
        client.reply()

        assert said(client, "USER user") == ["331 Who knows you?"]


def test_a_persona_is_not_for_servers_that_have_all_replies_from_elsewhere() -> None:
    """A proxy and a recording refuse it, and so does the check of the setting."""
    for settings in ({"upstream": "127.0.0.1"}, {"recording": "x.ftp.jsonl"}):
        with pytest.raises(ConfigurationError, match="persona"):
            FtpServer(persona=PERSONA, **settings)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="persona"):
        FtpServer(persona="windows")  # type: ignore[arg-type]


@table(
    ("text", "error"),
    [
        (ReplyText("NOOP", "200", ("{fiel}",)), r"placeholder \{fiel\}: did you mean 'file'"),
        (ReplyText("NOOP", "200", ("{file.name}",)), r"placeholder \{file.name\}"),
        (ReplyText("NOOP", "200", ("a } b",)), "double a brace"),
        (ReplyText("NOOP", "20", ("OK",)), "such as '550'"),
        (ReplyText("NOOP", "200", ()), "a line at least"),
    ],
)
def test_texts_that_cannot_be_filled(text: ReplyText, error: str) -> None:
    """A text that would never be sent is an error when the server is made."""
    with pytest.raises(ConfigurationError, match=error):
        Server(persona=Persona(replies=(text,)))


def calls(server: FtpServer, client: RawClient) -> Counter[str]:
    """The functions of the modules with sessions and personas that some commands call, on the server's thread."""
    counted: Counter[str] = Counter()
    files = {module.__file__: module.__name__.rpartition(".")[2] for module in (personas, sessions, wordings)}

    def count(frame: FrameType, event: str, _: object) -> None:
        module = files.get(frame.f_code.co_filename)
        if event == "call" and module is not None:
            counted[f"{module}.{frame.f_code.co_name}"] += 1

    server.driver.call(lambda: sys.setprofile(count))
    try:
        said(client, "NOOP", "PWD", "FOO", "RETR nothing")
    finally:
        server.driver.call(lambda: sys.setprofile(None))
    return counted


def test_a_server_without_persona_calls_nothing_for_it() -> None:
    """The way of a reply has the same calls as ever; with a persona it has others in addition."""
    with FtpServer() as plain, RawClient(plain.address) as client:
        without = calls(plain, client.login())
    with FtpServer(persona=PERSONA) as other, RawClient(other.address) as client:
        with_persona = calls(other, client.login())

    assert without["session.respond"] == with_persona["session.respond"] == 4
    assert [name for name in without if not name.startswith("session.")] == []
    assert with_persona["wording.reply"] == 4
