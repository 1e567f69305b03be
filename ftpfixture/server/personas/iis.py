"""IIS, as Windows has it since IIS 7: a listing like that of DIR, 125 in place of 150, no MLSD and no EPSV ALL.

Only what was seen is here; all other texts are those of this package.
"""

from __future__ import annotations

from ftpfixture.server.persona import Persona
from ftpfixture.server.personas.table import texts

__all__ = ["PERSONA"]

_SESSIONS = "sessions with IIS 10 in public reports; the codes are those of learn.microsoft.com, KB 969061"
_FEATURES = "[MS-FTPS] 4.2, learn.microsoft.com"

_TEXTS = """
(greeting) -> 220 Microsoft FTP Service
USER -> 331 Password required
USER anonymous -> 331 Anonymous access allowed, send identity (e-mail name) as password.
PASS -> 230 User logged in.
PASS -> 530 User cannot log in.
QUIT -> 221 Goodbye.
OPTS UTF8 ON -> 200 OPTS UTF8 command successful - UTF8 encoding now ON.
CWD -> 250 CWD command successful.
CDUP -> 250 CDUP command successful.
DELE -> 250 DELE command successful.
RMD -> 250 RMD command successful.
RNTO -> 250 RNTO command successful.
RNFR -> 350 Requested file action pending further information.
PORT -> 200 PORT command successful.
EPRT -> 200 EPRT command successful.
PASV -> 227 Entering Passive Mode ({address}).
EPSV -> 229 Entering Extended Passive Mode (|||{data_port}|)
LIST -> 125 Data connection already open; Transfer starting.
LIST -> 226 Transfer complete.
NLST -> 125 Data connection already open; Transfer starting.
NLST -> 226 Transfer complete.
RETR -> 125 Data connection already open; Transfer starting.
RETR -> 226 Transfer complete.
STOR -> 125 Data connection already open; Transfer starting.
STOR -> 226 Transfer complete.
APPE -> 125 Data connection already open; Transfer starting.
APPE -> 226 Transfer complete.
* -> 550 The system cannot find the file specified. $
* -> 550 Access is denied. $
"""

_FEAT = """
FEAT -> 211 Extended features supported:
    ...
    END
"""

PERSONA = Persona(
    system="Windows_NT",
    features=(
        *("LANG EN*", "UTF8", "AUTH TLS;TLS-C;SSL;TLS-P;", "PBSZ", "PROT C;P;", "CCC", "HOST", "SIZE", "MDTM"),
        "REST STREAM",
    ),
    list_style="msdos",
    offered=frozenset(
        {
            *("ABOR", "ACCT", "ALLO", "APPE", "AUTH", "CCC", "CDUP", "CWD", "DELE", "EPRT", "EPSV", "FEAT"),
            *("HELP", "HOST", "LANG", "LIST", "MDTM", "MKD", "MODE", "NLST", "NOOP", "OPTS", "OPTS UTF8"),
            *("PASS", "PASV", "PBSZ", "PORT", "PROT", "PWD", "QUIT", "REIN", "REST", "RETR", "RMD", "RNFR"),
            *("RNTO", "SITE", "SIZE", "STAT", "STOR", "STOU", "STRU", "SYST", "TYPE", "USER", "XCUP", "XCWD"),
            *("XMKD", "XPWD", "XRMD"),
        }
    ),
    replies=texts(_TEXTS, _SESSIONS) + texts(_FEAT, _FEATURES),
    seen="IIS 10 (Windows Server)",
)
