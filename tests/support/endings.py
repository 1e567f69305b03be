"""The ways in which faults end a data connection, as tables for tests."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from ftpfixture import Fault, FtpServer, on
from tests.support.faulty import KINDS, End, goes_on, last
from tests.support.ftps import FtpsClient

__all__ = ["CUTS", "ENDINGS", "TRUNCATE", "Ending", "check", "each_cut", "each_ending", "each_kind", "is_logged_once"]


class Ending(NamedTuple):
    """A way to end.

    Attributes:
        word: With its values, but for the moment.
        clear: How it ends without TLS.
        tls: How it ends under TLS.
        code: Of the final reply.
        error: The error in the log.
    """

    word: str
    clear: End
    tls: End
    code: str
    error: str

    def fault(self, verb: str, **moment: float) -> Fault:
        """This end of one transfer, at a moment."""
        name, *values = self.word.split()
        fault: Fault = getattr(on(verb), name)(*values, **moment).times(1)
        return fault

    def of(self, kind: str) -> End:
        """How it ends."""
        return self.clear if kind == "clear" else self.tls


_CUT = "the data connection was ended on purpose"
CUTS = [
    Ending("drop_data", "FIN", "FIN", "426", _CUT),
    Ending("reset_data", "RST", "RST", "426", _CUT),
    Ending("fail 451", "FIN", "FIN", "451", _CUT),
]
TRUNCATE = Ending("truncate", "FIN", "close_notify", "226", "the rest was lost on purpose")
ENDINGS = [*CUTS, TRUNCATE]


def _name(ending: Ending) -> str:
    return ending.word.split()[0]


each_cut = pytest.mark.parametrize("ending", CUTS, ids=_name)
each_ending = pytest.mark.parametrize("ending", ENDINGS, ids=_name)
each_kind = pytest.mark.parametrize("kind", KINDS)


def is_logged_once(server: FtpServer) -> bool:
    """True if the only fault is in the log, once."""
    (armed,) = server.faults.active
    return [event.fault for event in server.faults.fired] == [str(armed.fault)]


def check(client: FtpsClient, server: FtpServer, ending: Ending, size: int) -> None:
    """Check the reply and the log, and that the server works afterwards."""
    assert client.reply().code == ending.code
    assert is_logged_once(server)
    assert (last(server).completed, last(server).error, last(server).size) == (False, ending.error, size)
    assert goes_on(client, server)
