"""Commands with two names, or with one beside SITE and one below it: their replies are equal."""

from __future__ import annotations

from ftpfixture import FtpServer
from tests.support.raw import RawClient

FILES = {"/a.txt": b"hello", "/d/": None}
ARGUMENTS = ("", " a.txt", " d", " missing", " missing/x", " new", " a\0b", " ?!?", " ON", " ..", " a.txt 0 3")


def test_an_alias_replies_as_the_command_does() -> None:
    """Each argument gets the same reply, and leaves the same files."""
    with FtpServer(files=FILES) as one, FtpServer(files=FILES) as other:
        aliases = {name: spec.verbs[0] for spec in one.server.specs.values() for name in spec.verbs[1:]}
        assert {"XCWD", "XCUP", "XPWD", "XMKD", "XRMD", "XSHA", "OPTS UTF-8"} <= aliases.keys()
        with RawClient(one.address) as client, RawClient(other.address) as twin:
            client.login()
            twin.login()
            for alias, name in aliases.items():
                for argument in ARGUMENTS:
                    assert twin.ask(alias + argument) == client.ask(name + argument), (alias, argument)
                    assert client.code("CWD /") == twin.code("CWD /")
        assert one.files == other.files


def test_help_of_site_is_help() -> None:
    """SITE HELP and HELP SITE have the same texts, and list the same commands (RFC 959 5.4)."""
    with FtpServer() as server, RawClient(server.address) as client:
        client.login()
        known = [verb.removeprefix("site ") for verb in server.server.commands_mapping if verb.startswith("site ")]
        assert known
        for name in known:
            explained = client.ask(f"SITE HELP {name}")
            assert explained.code == "214"
            assert explained == client.ask(f"HELP SITE {name}") == client.ask(f"site help {name.upper()}")
        for unknown in ("?!?", "RETR", "chmod x", " ", "x" * 1000):
            assert client.code(f"SITE HELP {unknown}") == client.code(f"HELP SITE {unknown}") == "501", unknown
        assert client.code("HELP ?!?") == "501"
