"""aioftp's server, as its package has it: few commands, no SIZE and no MDTM, and 503 before the login.

Not as it is: EPSV with a protocol, which ends its session; a directory that STOR makes; facts with capital letters;
that RNFR of nothing is accepted; LIST of one pattern.
"""

from __future__ import annotations

from ftpfixture.server.persona import Persona
from ftpfixture.server.personas.table import texts

__all__ = ["PERSONA"]

_SEEN = "aioftp 0.28.3"

_TEXTS = """
(greeting) -> 220 welcome
* [530] -> 503 bad sequence of commands (not logged in)
* [425] -> 503 bad sequence of commands (no listen socket created (use PASV firstly))
* -> 550 path does not exists
* -> 550 path already exists
* -> 550 permission denied
* -> 502 '{lower_verb}' not implemented
MODE [200] -> 502 'mode' not implemented
MODE [501] -> 502 'mode' not implemented
MODE [504] -> 502 'mode' not implemented
STRU [200] -> 502 'stru' not implemented
STRU [501] -> 502 'stru' not implemented
STRU [504] -> 502 'stru' not implemented
TYPE L 8 [200] -> 502 type 'L 8' not implemented
TYPE [501] -> 502 type '{argument}' not implemented
TYPE [504] -> 502 type '{argument}' not implemented
USER -> 331 password required
USER [501] -> 530 no such username
PASS -> 230 normal login
PASS [530] -> 530 wrong password
PASS [503] -> 503 bad sequence of commands (no user (use USER firstly))
QUIT -> 221 bye
TYPE -> 200
PWD -> 257 "{directory}"
CWD -> 250
CWD -> 550 path is not a directory
CDUP -> 250
MKD -> 257
MKD [501] -> 550 path already exists
RMD -> 250
RMD -> 550 path does not exists
RMD [550] -> 550 path is not a directory
RMD [550] -> 451 file system error
RMD [501] -> 451 file system error
DELE -> 250
DELE [550] -> 550 path is not a file
DELE [501] -> 550 path is not a file
RNFR -> 350 rename from accepted
RNFR [501] -> 350 rename from accepted
RNTO -> 250
RNTO [503] -> 503 bad sequence of commands (no filename (use RNFR firstly))
RNTO -> 550 path already exists
RNTO [550] -> 550 path already exists
MLST -> 250 start
    ...
    end
PASV -> 227 listen socket created ({address})
EPSV -> 229 listen socket created (|||{data_port}|)
LIST -> 150 list transfer started
LIST -> 226 list transfer done
MLSD -> 150 mlsd transfer started
MLSD [226] -> 200 mlsd transfer done
REST -> 350 restarting at {argument}
REST -> 501 syntax error, can't restart at '{argument}'
RETR -> 150 data transfer started
RETR -> 226 data transfer done
RETR [550] -> 550 path is not a file
RETR [501] -> 503 bad sequence of commands (no listen socket created (use PASV firstly))
STOR [501] -> 503 bad sequence of commands (no listen socket created (use PASV firstly))
APPE [501] -> 503 bad sequence of commands (no listen socket created (use PASV firstly))
PBSZ [502] -> 200
PROT P [502] -> 200
PROT [502] -> 502
STOR -> 150 data transfer started
STOR -> 226 data transfer done
APPE -> 150 data transfer started
APPE -> 226 data transfer done
ABOR -> 226 nothing to abort
"""

PERSONA = Persona(
    offered=frozenset(
        {
            *("ABOR", "APPE", "CDUP", "CWD", "DELE", "EPSV", "LIST", "MKD", "MLSD", "MLST", "MODE", "PASS"),
            *("PASV", "PBSZ", "PROT", "PWD", "QUIT", "REST", "RETR", "RMD", "RNFR", "RNTO", "STOR", "STRU"),
            *("SYST", "TYPE", "USER"),
        }
    ),
    replies=texts(_TEXTS, _SEEN),
    quirks={"empty_if_missing": ("LIST",)},
    seen=_SEEN,
)
