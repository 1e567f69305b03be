"""FileZilla Server 1: it insists on a resumed TLS session for data connections when it encrypts.

Only what was seen is here; all other texts are those of this package.
"""

from __future__ import annotations

from ftpfixture.server.persona import Persona
from ftpfixture.server.personas.table import texts

__all__ = ["PERSONA"]

_SESSIONS = "sessions with FileZilla Server 1.4.1 in public reports"
_TLS = "https://github.com/jlaffaye/ftp/issues/203"

_TEXTS = """
(greeting) -> 220 FileZilla Server 1.4.1
    Please visit https://filezilla-project.org/
USER -> 331 Please, specify the password.
PASS -> 230 Login successful.
PASS -> 530 Login incorrect.
CWD -> 250 CWD command successful
PWD -> 257 "{directory}" is current directory.
MKD -> 257 "{path}" created successfully.
TYPE -> 200 Type set to {word}
EPSV -> 229 Entering Extended Passive Mode (|||{data_port}|)
PASV -> 227 Entering Passive Mode ({address})
PORT -> 200 PORT command successful.
LIST -> 150 Starting data transfer.
LIST -> 226 Operation successful
NLST -> 150 Starting data transfer.
NLST -> 226 Operation successful
MLSD -> 150 Starting data transfer.
MLSD -> 226 Operation successful
RETR -> 150 Starting data transfer.
RETR -> 226 Operation successful
RETR -> 550 Couldn't open the file or directory
STOR -> 150 Starting data transfer.
STOR -> 226 Operation successful
APPE -> 150 Starting data transfer.
APPE -> 226 Operation successful
"""

_PROTECTED = """
PBSZ -> 200 PBSZ = 0
PROT -> 200 Protection level set to {argument}
RETR [522] -> 450 TLS session of data connection has not resumed or the session does not match the control connection.
STOR [522] -> 450 TLS session of data connection has not resumed or the session does not match the control connection.
LIST [522] -> 450 TLS session of data connection has not resumed or the session does not match the control connection.
MLSD [522] -> 450 TLS session of data connection has not resumed or the session does not match the control connection.
"""

PERSONA = Persona(replies=texts(_TEXTS, _SESSIONS) + texts(_PROTECTED, _TLS), seen="FileZilla Server 1.4.1")
