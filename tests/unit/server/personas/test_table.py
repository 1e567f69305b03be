"""Personas as text."""

from __future__ import annotations

import pytest

from ftpfixture.server.persona import ANY_VERB, GREETING, ReplyText
from ftpfixture.server.personas.table import texts

TABLE = """
# a comment
(greeting) -> 220 Hi
    there
* -> 500 Unknown
TYPE A -> 200 ASCII
MODE () [501] -> 504 Bad MODE
SITE CHMOD -> 200 Done
OPTS UTF8 ON -> 200 UTF8 is on$
HELP => 214 Commands:
     PWD  $
    End
FEAT -> 211 Features:
    ...
    End
CWD -> 250
"""


def test_lines() -> None:
    """A row for each form."""
    assert texts(TABLE, "here") == (
        ReplyText(GREETING, "220", ("Hi", "there"), seen="here"),
        ReplyText(ANY_VERB, "500", ("Unknown",), seen="here"),
        ReplyText("TYPE", "200", ("ASCII",), argument="A", seen="here"),
        ReplyText("MODE", "504", ("Bad MODE",), argument="", instead_of="501", seen="here"),
        ReplyText("SITE CHMOD", "200", ("Done",), seen="here"),
        ReplyText("OPTS UTF8", "200", ("UTF8 is on",), argument="ON", seen="here"),
        ReplyText("HELP", "214", ("Commands:", " PWD  ", "End"), listing=True, seen="here"),
        ReplyText("FEAT", "211", ("Features:", "End"), framed=True, seen="here"),
        ReplyText("CWD", "250", ("",), seen="here"),
    )


@pytest.mark.parametrize("line", ["PWD 257 no arrow", "PWD -> 25 no code"])
def test_wrong_lines(line: str) -> None:
    """The text says how a line is written."""
    with pytest.raises(ValueError, match="is no line of a persona: write VERB -> CODE text"):
        texts(line, "")
