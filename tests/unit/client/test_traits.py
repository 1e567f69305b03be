"""What a client remembers of its session is discarded by the command that may change it, and by no other."""

from __future__ import annotations

import ssl

from ftpfixture.client.traits import ServerTraits, SessionParameters
from tests.support.rows import table

CONTEXT = ssl.create_default_context()
DEFAULTS = {"type": "", "deflate_level": None, "protection": "C", "may_ask_utf8": False}
"""Parameters of a new session."""


@table(
    ("verb", "discarded"),
    [
        ("TYPE", ["type"]),
        ("USER", ["type", "may_ask_utf8"]),
        ("AUTH", ["type", "deflate_level"]),
        ("MODE", ["deflate_level"]),
        ("REIN", ["type", "deflate_level", "protection", "may_ask_utf8"]),
        ("PROT", []),
        ("RETR", []),
    ],
)
def test_what_a_command_changes(verb: str, discarded: list[str]) -> None:
    """Each command, and the parameters that are unknown after it."""
    known = {"type": "I", "deflate_level": 6, "protection": "P", "may_ask_utf8": True}
    parameters = SessionParameters("I", 6, "P", CONTEXT, None, True)
    parameters.forget(verb, None)
    assert {name: getattr(parameters, name) for name in known} == {
        name: DEFAULTS[name] if name in discarded else value for name, value in known.items()
    }
    assert parameters.tls_context is CONTEXT


def test_implicit_tls() -> None:
    """With implicit TLS data connections are encrypted from the beginning, and after REIN."""
    parameters = SessionParameters.of_new_session(CONTEXT)
    parameters.protection = "C"
    parameters.forget("REIN", CONTEXT)
    assert (parameters.protection, parameters.tls_context) == ("P", CONTEXT)
    assert SessionParameters.of_new_session(None) == SessionParameters()


def test_a_new_connection_begins_anew() -> None:
    """A new connection knows of no refused command."""
    first, second = ServerTraits(), ServerTraits()
    first.refused_data_commands.add("epsv")
    assert (second.has_mlsd, second.has_mlst, second.has_mfmt, second.refused_data_commands) == (
        True,
        True,
        True,
        set(),
    )
