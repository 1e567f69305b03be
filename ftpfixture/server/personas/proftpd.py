"""ProFTPD, as Debian 12 has it, with the modules for TLS and for the facts of files.

Not as it is: TYPE before the login; the facts of MLST and MLSD, and owners and widths of LIST; the names of STOU;
that a second login gets 230 at once; RANG with one transfer.
"""

from __future__ import annotations

from ftpfixture.server.persona import Persona
from ftpfixture.server.personas.table import texts

__all__ = ["PERSONA"]

_SEEN = "ProFTPD 1.3.8 (Debian 12)"

_TEXTS = """
(greeting) -> 220 ProFTPD Server (ProFTPD) [{host}]
* -> 500 {verb} not understood
* -> 530 Please login with USER and PASS
* -> 425 Unable to build data connection: Connection refused
* -> 550 {file}: No such file or directory
* -> 550 {file}: Not a directory
* -> 550 {file}: Directory not empty
* -> 550 {file}: File exists
* -> 550 {file}: Permission denied
* -> 501 Invalid number of parameters
USER -> 331 Password required for {user}
USER [501] -> 500 USER: command requires a parameter
PASS -> 230 User {user} logged in
PASS -> 530 Login incorrect.
PASS -> 503 Login with USER first
ACCT -> 502 ACCT command not implemented
REIN -> 502 REIN command not implemented
SMNT -> 502 SMNT command not implemented
QUIT -> 221 Goodbye.
FEAT -> 211 Features:
    ...
    End
HELP => 214 The following commands are recognized (* =>'s unimplemented):
    CWD     XCWD    CDUP    XCUP    SMNT*   QUIT    PORT    PASV    $
    EPRT    EPSV    ALLO    RNFR    RNTO    DELE    MDTM    RMD     $
    XRMD    MKD     XMKD    PWD     XPWD    SIZE    SYST    HELP    $
    NOOP    FEAT    OPTS    HOST    CLNT    AUTH*   CCC*    CONF*   $
    ENC*    MIC*    PBSZ*   PROT*   TYPE    STRU    MODE    RETR    $
    STOR    STOU    APPE    REST    ABOR    RANG    USER    PASS    $
    ACCT*   REIN*   LIST    NLST    STAT    SITE    MLSD    MLST    $
    Direct comments to root@{host}
HELP [501] -> 502 Unknown command '{argument}'
HELP RETR -> 214 Syntax: RETR <sp> pathname
STAT => 211 Status of 'ProFTPD'
    Connected from {client} ({client})
    Logged in as {user}
    TYPE: ASCII, STRUcture: File, Mode: Stream
    No data connection
    End of status
STAT -> 213 Status of {file}:
    ...
    End of status
STAT -> 212 Status of {file}:
    ...
    End of status
STAT [550] -> 450 {file}: No such file or directory
NOOP -> 200 NOOP command successful
ALLO -> 202 No storage allocation necessary
ALLO [501] -> 504 'ALLO' not understood
TYPE -> 200 Type set to {word}
TYPE -> 504 TYPE not implemented for '{argument}' parameter
TYPE () [501] -> 500 'TYPE' not understood
TYPE [501] -> 504 TYPE not implemented for '{argument}' parameter
TYPE L 7 [504] -> 200 Type set to L
MODE -> 200 Mode set to {argument}
MODE -> 504 'MODE {argument}' unsupported transfer mode
MODE -> 501 'MODE {argument}' unrecognized transfer mode
MODE () -> 501 'MODE' not understood
STRU -> 200 Structure set to {argument}
STRU [504] -> 504 'STRU {argument}' unsupported structure type
STRU [501] -> 501 'STRU {argument}' unrecognized structure type
STRU () -> 501 'STRU' not understood
SITE [501] -> 500 'SITE' requires parameters
SITE -> 500 '{command}' not understood
SITE HELP => 214 The following SITE commands are recognized (* =>'s unimplemented)
    HELP
    CHGRP
    CHMOD
    Direct comments to root@{host}
SITE CHMOD -> 200 SITE CHMOD command successful
SITE CHMOD [501] -> 500 'SITE CHMOD' not understood
    SITE not understood
OPTS UTF8 ON -> 200 UTF8 set to on
OPTS UTF8 OFF [501] -> 200 UTF8 set to off
OPTS UTF8 [200] -> 501 'OPTS UTF8' not understood
OPTS -> 500 {command} not understood
OPTS () [501] -> 501 Invalid number of parameters
OPTS [501] -> 500 {command} not understood
LANG -> 500 Unable to handle command
CLNT -> 200 OK
HOST -> 503 Bad sequence of commands
HOST [504] -> 503 Bad sequence of commands
PWD -> 257 "{directory}" is the current directory
XPWD -> 257 "{directory}" is the current directory
CWD -> 250 CWD command successful
CWD () [250] -> 501 Invalid number of parameters
XCWD -> 250 XCWD command successful
CDUP -> 250 CDUP command successful
XCUP -> 250 XCUP command successful
MKD -> 257 "{path}" - Directory successfully created
XMKD -> 257 "{path}" - Directory successfully created
RMD -> 250 RMD command successful
XRMD -> 250 XRMD command successful
DELE -> 250 DELE command successful
DELE -> 550 {file}: Is a directory
RNFR -> 350 File or directory exists, ready for destination name
RNTO -> 250 Rename successful
RNTO -> 503 Bad sequence of commands
RNTO () [503] -> 501 Invalid number of parameters
RNTO [550] -> 550 {file}: Operation not permitted
SIZE -> 550 SIZE not allowed in ASCII mode
SIZE -> 550 {file}: not a regular file
MDTM -> 550 {file}: not a plain file
MFMT -> 213 Modify={word}; {file}
MFMT -> 501 {word}: Invalid argument
MLST -> 250 Start of list for {file}
    ...
    End of list
MLST () -> 250 Start of list for {directory}
    ...
    End of list
MLST -> 550 '{file}' cannot be listed
PASV -> 227 Entering Passive Mode ({address}).
PASV [503] -> 500 Illegal PASV command, EPSV ALL in effect
EPSV -> 229 Entering Extended Passive Mode (|||{data_port}|)
EPSV ALL -> 200 EPSV ALL command successful
EPSV -> 522 Network protocol not supported, use (1,2)
EPSV -> 501 EPSV: unknown network protocol
PORT -> 200 PORT command successful
PORT () -> 501 Invalid number of parameters
PORT -> 501 Illegal PORT command
PORT [504] -> 500 Illegal PORT command
PORT [503] -> 500 Illegal PORT command, EPSV ALL in effect
EPRT -> 200 EPRT command successful
EPRT [504] -> 500 Illegal EPRT command
EPRT -> 522 Network protocol not supported, use (1,2)
EPRT () -> 501 Invalid number of parameters
EPRT [501] -> 522 Network protocol not supported, use (1,2)
EPRT [503] -> 500 Illegal EPRT command, EPSV ALL in effect
LIST -> 150 Opening {type} mode data connection for file list
LIST -> 226 Transfer complete
LIST [550] -> 450 {file}: No such file or directory
NLST -> 150 Opening {type} mode data connection for file list
NLST -> 226 Transfer complete
NLST [550] -> 450 {file}: No such file or directory
MLSD -> 150 Opening {type} mode data connection for MLSD
MLSD -> 226 Transfer complete
MLSD [501] -> 550 '{file}' is not a directory
REST -> 350 Restarting at {argument}. Send STORE or RETRIEVE to initiate transfer
REST () [501] -> 500 'REST' not understood
REST -> 501 REST requires a value greater than or equal to 0
RETR -> 150 Opening {type} mode data connection for {file} ({size} {unit})
RETR -> 226 Transfer complete
RETR -> 550 {file}: Not a regular file
RETR -> 554 REST: invalid {file} argument
RETR [501] -> 500 'RETR' not understood
STOR -> 150 Opening {type} mode data connection for {file}
STOR -> 226 Transfer complete
STOR [553] -> 550 {file}: Not a regular file
STOR [553] -> 550 {file}: No such file or directory
STOR [501] -> 500 'STOR' not understood
APPE -> 150 Opening {type} mode data connection for {file}
APPE -> 226 Transfer complete
APPE [553] -> 550 {file}: Not a regular file
APPE [501] -> 500 'APPE' not understood
STOU -> 226 Transfer complete
ABOR -> 226 Abort successful
"""

PERSONA = Persona(
    features=(
        *("CLNT", "CSID", "EPRT", "EPSV", "HOST", "LANG C.UTF-8*", "MDTM", "MFF modify;UNIX.group;UNIX.mode;", "MFMT"),
        "MLST modify*;perm*;size*;type*;unique*;UNIX.group*;UNIX.groupname*;UNIX.mode*;UNIX.owner*;UNIX.ownername*;",
        *("RANG STREAM", "REST STREAM", "SIZE", "TVFS", "UTF8"),
    ),
    offered=frozenset(
        {
            *("ABOR", "ALLO", "APPE", "AUTH", "CCC", "CDUP", "CLNT", "CSID", "CWD", "DELE", "EPRT", "EPSV"),
            *("FEAT", "HELP", "HOST", "LIST", "MDTM", "MFF", "MFMT", "MKD", "MLSD", "MLST", "MODE", "NLST"),
            *("NOOP", "OPTS", "OPTS MLST", "OPTS UTF8", "PASS", "PASV", "PBSZ", "PORT", "PROT", "PWD", "QUIT"),
            *("RANG", "REST", "RETR", "RMD", "RNFR", "RNTO", "SITE", "SITE CHMOD", "SITE HELP", "SIZE", "STAT"),
            *("STOR", "STOU", "STRU", "SYST", "TYPE", "USER", "XCUP", "XCWD", "XMKD", "XPWD", "XRMD"),
        }
    ),
    refuse_size_in_ascii=True,
    replies=texts(_TEXTS, _SEEN),
    seen=_SEEN,
)
