"""Pure-FTPd, as Debian 12 has it, without anonymous users.

Not as it is: TYPE before the login; that a login without a name ends the session; EPSV of any protocol; the facts of
MLST and MLSD; the number of matches of a listing, and the speed of a transfer; the names of STOU.
"""

from __future__ import annotations

from ftpfixture.server.persona import Persona
from ftpfixture.server.personas.table import texts

__all__ = ["PERSONA"]

_SEEN = "Pure-FTPd 1.0.50 (Debian 12)"

_TEXTS = """
(greeting) -> 220 --------- Welcome to Pure-FTPd [privsep] [TLS] ----------
    You are user number {session} of 50 allowed.
    Local time is now {now:%H:%M}. Server port: {port}.
    This is a private system - No anonymous login
    IPv6 connections are also welcome on this server.
    You will be disconnected after 15 minutes of inactivity.
* -> 500 Unknown command
* -> 530 You aren't logged in
* -> 425 No data connection
* -> 550 Can't check for file existence
USER -> 331 User {user} OK. Password required
USER [501] -> 530 This is a private system - No anonymous login
PASS -> 230 OK. Current directory is {directory}
PASS -> 530 Login authentication failed
PASS [503] -> 530 Please tell me who you are
ACCT -> 202 Please tell me who you are
QUIT -> 221 Goodbye. You uploaded 0 and downloaded 0 kbytes.
    Logout.
FEAT -> 211 Extensions supported:
    ...
    End.
HELP => 214 The following SITE commands are recognized
    ALIAS
    CHMOD
    IDLE
    UTIME
    Pure-FTPd - http://pureftpd.org/
HELP [501] => 214 The following SITE commands are recognized
    ALIAS
    CHMOD
    IDLE
    UTIME
    Pure-FTPd - http://pureftpd.org/
STAT -> 211 https://www.pureftpd.org/
STAT -> 213 STAT
    ...
    End.
STAT [212] -> 213 STAT
    ...
    End.
NOOP -> 200 Zzz...
ALLO -> 200 A L'HUILE
ALLO -> 501 Can't find file size
TYPE A -> 200 TYPE is now ASCII
TYPE L 8 -> 200 Missing argument
    TYPE is now 8-bit binary
TYPE L 7 [504] -> 200 Missing argument
    TYPE is now 8-bit binary
TYPE -> 200 TYPE is now 8-bit binary
TYPE [504] -> 504 Unknown TYPE: {argument}
    TYPE is now 8-bit binary
TYPE X [501] -> 504 Unknown TYPE: {argument}
    TYPE is now 8-bit binary
TYPE () [501] -> 501 Missing argument
    A(scii) I(mage) L(ocal)
    TYPE is now 8-bit binary
MODE -> 200 S OK
MODE -> 504 Please use S(tream) mode
MODE X [501] -> 504 Please use S(tream) mode
MODE -> 501 Missing argument
STRU -> 200 F OK
STRU -> 504 Only F(ile) is supported
STRU X [501] -> 504 Only F(ile) is supported
STRU -> 501 Missing argument
SITE [501] -> 500 SITE: Missing argument
SITE -> 500 {command} is an unknown extension
SITE HELP => 214 The following SITE commands are recognized
    ALIAS
    CHMOD
    IDLE
    UTIME
    Pure-FTPd - http://pureftpd.org/
SITE CHMOD -> 200 Permissions changed on {file}
SITE CHMOD -> 550 Could not change perms on {file}: No such file or directory
SITE CHMOD -> 501 Missing argument
SITE IDLE [200] -> 501 SITE IDLE: Missing argument
OPTS MLST -> 200  MLST OPTS type;size;sizd;modify;UNIX.mode;UNIX.uid;UNIX.gid;unique;
OPTS -> 504 Unknown command
OPTS UTF8 [200] -> 504 Unknown command
OPTS UTF8 [501] -> 504 Unknown command
OPTS [501] -> 504 Unknown command
AUTH -> 500 This security scheme is not implemented
PBSZ [502] -> 503 PBSZ=0
PROT [502] -> 503 PROT must be preceded by a successful PBSZ command
CCC [502] -> 534 CCC not allowed at this point
PRET [502] -> 200 Ready to proceed
PWD -> 257 "{directory}" is your current location
XPWD -> 257 "{directory}" is your current location
CWD -> 250 OK. Current directory is {directory}
CWD -> 550 Can't change directory to {file}: No such file or directory
CWD -> 550 Can't change directory to {file}: Not a directory
XCWD -> 250 OK. Current directory is {directory}
XCWD -> 550 Can't change directory to {file}: No such file or directory
CDUP -> 250 OK. Current directory is {directory}
XCUP -> 250 OK. Current directory is {directory}
MKD -> 257 "{file}" : The directory was successfully created
MKD -> 550 Can't create directory: File exists
MKD -> 550 Can't create directory: No such file or directory
MKD -> 501 No directory name
XMKD -> 257 "{file}" : The directory was successfully created
XMKD -> 550 Can't create directory: File exists
RMD -> 250 The directory was successfully removed
RMD -> 550 Can't remove directory: No such file or directory
RMD -> 550 Can't remove directory: Directory not empty
RMD -> 550 Can't remove directory: Not a directory
RMD [501] -> 550 No directory name
XRMD -> 250 The directory was successfully removed
DELE -> 250 Deleted {file}
DELE -> 550 Could not delete {file}: No such file or directory
DELE -> 550 Could not delete {file}: Invalid argument
DELE -> 501 No file name
RNFR -> 350 RNFR accepted - file exists, ready for destination
RNFR -> 550 Sorry, but that file doesn't exist
RNFR [501] -> 550 No file name
RNTO -> 250 File successfully renamed or moved
RNTO -> 503 Need RNFR before RNTO
RNTO () [503] -> 550 No file name
RNTO [501] -> 550 No file name
RNTO [550] -> 451 Rename/move failure: Is a directory
RNTO [550] -> 451 Rename/move failure: No such file or directory
SIZE -> 550 I can only retrieve regular files
SIZE -> 501 Missing argument
MDTM -> 550 I can only retrieve regular files
MDTM -> 501 Missing argument
MFMT -> 213 UTIME OK
MFMT -> 550 utime({file}): No such file or directory
MFMT -> 501 Can't get a time stamp
MLST -> 250 Begin
    ...
    End.
MLST -> 550 Can't check for file existence
PASV -> 227 Entering Passive Mode ({address})
EPSV -> 229 Extended Passive mode OK (|||{data_port}|)
EPSV ALL [200] -> 220 Active mode is disabled
PORT -> 200 PORT command successful
PORT -> 501 Syntax error in IP address
PORT [503] -> 501 Active mode is disabled
PORT [504] -> 501 Sorry, but I won't connect to ports < 1024
EPRT -> 200 PORT command successful
EPRT -> 501 Syntax error in IP address
EPRT -> 522 Only IPv4 and IPv6 are supported (1,2)
EPRT [503] -> 501 Active mode is disabled
EPRT [504] -> 501 Sorry, but I won't connect to ports < 1024
LIST -> 150 Accepted data connection
LIST -> 226 Options: -l $
    {entries} matches total
NLST -> 150 Accepted data connection
NLST -> 226 {entries} matches total
MLSD -> 150 Accepted data connection
MLSD -> 226 {entries} matches total
MLSD [501] -> 550 Can't check for file existence
REST -> 350 Restarting at {argument}
REST -> 501 No restart point
REST x [501] -> 554 REST needs a numeric parameter
    Restart offset reset to 0
REST -1 [501] -> 554 REST needs a numeric parameter
    Restart offset reset to 0
RETR -> 150 Accepted data connection
RETR -> 226 File successfully transferred
    0.001 seconds (measured here), 1.00 Mbytes per second
RETR -> 550 Can't open {file}: No such file or directory
RETR -> 550 I can only retrieve regular files
RETR -> 501 No file name
RETR -> 554 Restart offset is too large for the file size.
    Restart offset reset to 0
STOR -> 150 Accepted data connection
STOR -> 226 File successfully transferred
    0.001 seconds (measured here), 1.00 Mbytes per second
STOR -> 553 Can't open that file: No such file or directory
STOR -> 553 Can't open that file: Is a directory
STOR -> 501 No file name
APPE -> 150 Accepted data connection
APPE -> 226 File successfully transferred
    0.001 seconds (measured here), 1.00 Mbytes per second
APPE -> 553 Can't open that file: Is a directory
APPE -> 501 No file name
STOU -> 226 File successfully transferred
    0.001 seconds (measured here), 1.00 Mbytes per second
ABOR -> 226 Since you see this ABOR must've succeeded
"""

PERSONA = Persona(
    features=(
        *("UTF8", "EPRT", "IDLE", "MDTM", "SIZE", "MFMT", "REST STREAM"),
        "MLST type*;size*;sizd*;modify*;UNIX.mode*;UNIX.uid*;UNIX.gid*;unique*;",
        *("MLSD", "PRET", "AUTH TLS", "PBSZ", "PROT", "TVFS", "ESTA", "PASV", "EPSV", "ESTP"),
    ),
    offered=frozenset(
        {
            *("ABOR", "ACCT", "ALLO", "APPE", "AUTH", "CDUP", "CWD", "DELE", "EPRT", "EPSV", "FEAT", "HELP"),
            *("LIST", "MDTM", "MFMT", "MKD", "MLSD", "MLST", "MODE", "NLST", "NOOP", "OPTS", "OPTS MLST"),
            *("OPTS UTF8", "PASS", "PASV", "PBSZ", "PORT", "PROT", "PWD", "QUIT", "REST", "RETR", "RMD", "RNFR"),
            *("RNTO", "SITE", "SITE CHMOD", "SITE HELP", "SITE IDLE", "SITE UTIME", "SIZE", "STAT", "STOR"),
            *("STOU", "STRU", "SYST", "TYPE", "USER", "XCUP", "XCWD", "XMKD", "XPWD", "XRMD"),
        }
    ),
    replies=texts(_TEXTS, _SEEN),
    before_login=frozenset(
        {
            *("USER", "PASS", "QUIT", "FEAT", "SYST", "NOOP", "HELP", "TYPE", "AUTH", "PBSZ", "PROT", "CCC", "OPTS"),
            "ACCT",
        }
    ),
    quirks={"empty_if_missing": ("LIST",)},
    seen=_SEEN,
)
