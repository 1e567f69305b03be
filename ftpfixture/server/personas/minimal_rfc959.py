"""The smallest server that RFC 959 allows (5.1), with passwords and listings: no passive mode, no SIZE, no FEAT.

Its texts are those of this package.
"""

from __future__ import annotations

from ftpfixture.server.persona import Persona

__all__ = ["PERSONA"]

PERSONA = Persona(
    offered=frozenset({"USER", "PASS", "QUIT", "PORT", "TYPE", "MODE", "STRU", "RETR", "STOR", "NOOP", "LIST", "CWD"}),
    seen="RFC 959 5.1",
)
