"""pyftpdlib, as its package has it: 125 when the data connection is there before the command.

Not as it is: the order of facts and permissions in MLST; the names of STOU; 125 or 150 is decided by the command
here, and there by the time at which the data connection is made.
"""

from __future__ import annotations

from ftpfixture.server.persona import Persona
from ftpfixture.server.personas.table import texts

__all__ = ["PERSONA"]

_SEEN = "pyftpdlib 2.2.0"

_TEXTS = """
(greeting) -> 220 pyftpdlib 2.2.0 ready.
* -> 500 Command "{command}" not understood.
* -> 530 Log in with USER and PASS first.
* -> 550 No such file or directory.
* -> 550 Not a directory.
* -> 550 Is a directory.
* -> 550 File exists.
* -> 550 Directory not empty.
* -> 550 Not enough privileges.
* -> 501 Syntax error: command needs an argument.
* -> 425 Can't open data connection.
USER -> 331 Username ok, send password.
PASS -> 230 Login successful.
PASS -> 530 Authentication failed.
PASS -> 503 Login with USER first.
QUIT -> 221 Goodbye.
REIN [220] -> 230 Ready for new user.
REIN -> 230 Ready for new user.
FEAT -> 211 Features supported:
    ...
    End FEAT.
HELP => 214 The following commands are recognized:
    ABOR   ALLO   APPE   CDUP   CWD    DELE   EPRT   EPSV  $
    FEAT   HELP   LIST   MDTM   MFMT   MKD    MLSD   MLST  $
    MODE   NLST   NOOP   OPTS   PASS   PASV   PORT   PWD   $
    QUIT   REIN   REST   RETR   RMD    RNFR   RNTO   SITE  $
    SIZE   STAT   STOR   STOU   STRU   SYST   TYPE   USER  $
    XCUP   XCWD   XMKD   XPWD   XRMD  $
    Help command successful.
HELP RETR -> 214 Syntax: RETR <SP> file-name (retrieve a file).
HELP [501] -> 501 Unrecognized command.
STAT => 211 FTP server status:
    Connected to: {host}:{port}
    Logged in as: {user}
    TYPE: {type}; STRUcture: File; MODE: Stream
    Data connection closed.
    End of status.
STAT -> 213 Status of "{path}":
    ...
    End of status.
STAT [212] -> 213 Status of "{path}":
    ...
    End of status.
NOOP -> 200 I successfully did nothing'.
ALLO -> 202 No storage allocation necessary.
TYPE A -> 200 Type set to: ASCII.
TYPE L 7 [504] -> 200 Type set to: ASCII.
TYPE -> 200 Type set to: Binary.
TYPE [504] -> 504 Unsupported type "{argument}".
TYPE X [501] -> 504 Unsupported type "{argument}".
MODE -> 200 Transfer mode set to: S
MODE [504] -> 504 Unimplemented MODE type.
MODE () -> 501 Syntax error: command needs an argument.
MODE [501] -> 501 Unrecognized MODE type.
STRU -> 200 File transfer structure set to: F.
STRU [504] -> 504 Unimplemented STRU type.
STRU () [501] -> 501 Syntax error: command needs an argument.
STRU [501] -> 501 Unrecognized STRU type.
SITE HELP => 214 The following SITE commands are recognized:
    CHMOD
    HELP
    Help SITE command successful.
SITE CHMOD -> 200 SITE CHMOD successful.
OPTS UTF8 -> 200 Always in UTF8 mode.
OPTS UTF8 [501] -> 200 Always in UTF8 mode.
OPTS XFOO -> 501 Unsupported command "XFOO".
OPTS XFOO [501] -> 501 Unsupported command "XFOO".
PWD -> 257 "{directory}" is the current directory.
XPWD -> 257 "{directory}" is the current directory.
CWD -> 250 "{directory}" is the current directory.
XCWD -> 250 "{directory}" is the current directory.
CDUP -> 250 "{directory}" is the current directory.
XCUP -> 250 "{directory}" is the current directory.
MKD -> 257 "{path}" directory created.
XMKD -> 257 "{path}" directory created.
RMD -> 250 Directory removed.
XRMD -> 250 Directory removed.
DELE -> 250 File removed.
RNFR -> 350 Ready for destination name.
RNTO -> 250 Renaming ok.
RNTO -> 503 Bad sequence of commands: use RNFR first.
RNTO () [503] -> 501 Syntax error: command needs an argument.
SIZE -> 550 SIZE not allowed in ASCII mode.
SIZE [550] -> 550 {path} is not retrievable.
MDTM [550] -> 550 {path} is not retrievable
MFMT -> 213 Modify={word}; {path}.
MFMT [550] -> 550 {path} is not retrievable
MFMT [501] -> 550 Invalid time format; expected: YYYYMMDDHHMMSS.
MLST -> 250 Listing "{path}":
    ...
    End MLST.
MLST () -> 250 Listing "{directory}":
    ...
    End MLST.
PASV -> 227 Entering passive mode ({address}).
PASV [503] -> 501 PASV not allowed after EPSV ALL.
EPSV -> 229 Entering extended passive mode (|||{data_port}|).
EPSV ALL [200] -> 220 Other commands other than EPSV are now disabled.
EPSV 2 -> 522 Network protocol not supported (use 1).
EPSV [522] -> 501 Unknown network protocol (use 1).
EPSV [501] -> 501 Unknown network protocol (use 1).
PORT -> 200 Active data connection established.
PORT () -> 501 Syntax error: command needs an argument.
PORT [501] -> 501 Invalid PORT format.
PORT [503] -> 501 PORT not allowed after EPSV ALL.
PORT [504] -> 501 Rejected data connection to foreign address or privileged port.
EPRT -> 200 Active data connection established.
EPRT () -> 501 Syntax error: command needs an argument.
EPRT [501] -> 501 Invalid EPRT format.
EPRT [522] -> 501 Unknown network protocol (use 1).
EPRT [503] -> 501 PORT not allowed after EPSV ALL.
EPRT [504] -> 501 Rejected data connection to foreign address or privileged port.
LIST -> 125 Data connection already open. Transfer starting.
LIST -> 226 Transfer complete.
NLST -> 125 Data connection already open. Transfer starting.
NLST -> 226 Transfer complete.
MLSD -> 125 Data connection already open. Transfer starting.
MLSD -> 226 Transfer complete.
MLSD [501] -> 501 No such directory.
MLSD [550] -> 501 No such directory.
REST -> 350 Restarting at position {argument}.
REST () -> 501 Syntax error: command needs an argument.
REST [501] -> 501 Invalid parameter.
RETR -> 125 Data connection already open. Transfer starting.
RETR -> 226 Transfer complete.
RETR [554] -> 554 REST position > file size
STOR -> 125 Data connection already open. Transfer starting.
STOR -> 226 Transfer complete.
STOR [553] -> 550 No such file or directory.
STOR [553] -> 550 Is a directory.
APPE -> 125 Data connection already open. Transfer starting.
APPE -> 226 Transfer complete.
APPE [553] -> 550 Is a directory.
STOU -> 226 Transfer complete.
ABOR -> 225 No transfer to abort.
"""

PERSONA = Persona(
    features=(
        *("EPRT", "EPSV", "MDTM", "MFMT"),
        "MLST type*;perm*;size*;modify*;unique*;unix.mode;unix.uid;unix.gid;",
        *("REST STREAM", "SIZE", "TVFS", "UTF8"),
    ),
    offered=frozenset(
        {
            *("ABOR", "ALLO", "APPE", "AUTH", "CDUP", "CWD", "DELE", "EPRT", "EPSV", "FEAT", "HELP", "LIST"),
            *("MDTM", "MFMT", "MKD", "MLSD", "MLST", "MODE", "NLST", "NOOP", "OPTS", "OPTS MLST", "OPTS UTF8"),
            *("PASS", "PASV", "PBSZ", "PORT", "PROT", "PWD", "QUIT", "REIN", "REST", "RETR", "RMD", "RNFR"),
            *("RNTO", "SITE", "SITE CHMOD", "SITE HELP", "SIZE", "STAT", "STOR", "STOU", "STRU", "SYST", "TYPE"),
            *("USER", "XCUP", "XCWD", "XMKD", "XPWD", "XRMD"),
        }
    ),
    refuse_size_in_ascii=True,
    replies=texts(_TEXTS, _SEEN),
    seen=_SEEN,
)
