"""vsftpd, as Debian 12 has it: local users, and TLS where the server has it.

Not as it is: a second login, which it takes with any password; RETR from behind the end of a file, which sends
nothing; the names of STOU; numbers in place of owners in LIST.
"""

from __future__ import annotations

from ftpfixture.server.persona import Persona
from ftpfixture.server.personas.table import texts

__all__ = ["PERSONA"]

_SEEN = "vsftpd 3.0.3-13 (Debian 12)"

_TEXTS = """
(greeting) -> 220 (vsFTPd 3.0.3)
USER -> 331 Please specify the password.
USER [501] -> 331 Please specify the password.
PASS -> 230 Login successful.
PASS -> 530 Login incorrect.
PASS -> 503 Login with USER first.
* -> 530 Please login with USER and PASS.
* -> 500 Unknown command.
* -> 425 Use PORT or PASV first.
ACCT -> 502 ACCT not implemented.
REIN -> 502 REIN not implemented.
SMNT -> 502 SMNT not implemented.
QUIT -> 221 Goodbye.
FEAT -> 211 Features:
    ...
    End
HELP => 214 The following commands are recognized.
    ABOR ACCT ALLO APPE CDUP CWD  DELE EPRT EPSV FEAT HELP LIST MDTM MKD
    MODE NLST NOOP OPTS PASS PASV PORT PWD  QUIT REIN REST RETR RMD  RNFR
    RNTO SITE SIZE SMNT STAT STOR STOU STRU SYST TYPE USER XCUP XCWD XMKD
    XPWD XRMD
    Help OK.
HELP [501] => 214 The following commands are recognized.
    ABOR ACCT ALLO APPE CDUP CWD  DELE EPRT EPSV FEAT HELP LIST MDTM MKD
    MODE NLST NOOP OPTS PASS PASV PORT PWD  QUIT REIN REST RETR RMD  RNFR
    RNTO SITE SIZE SMNT STAT STOR STOU STRU SYST TYPE USER XCUP XCWD XMKD
    XPWD XRMD
    Help OK.
STAT => 211 FTP server status:
        Connected to {client}
        Logged in as {user}
        TYPE: {type}
        No session bandwidth limit
        Session timeout in seconds is 300
        Control connection is plain text
        Data connections will be plain text
        vsFTPd 3.0.3 - secure, fast, stable
    End of status
STAT -> 213 Status follows:
    ...
    End of status
NOOP -> 200 NOOP ok.
ALLO -> 202 ALLO command ignored.
ALLO [501] -> 202 ALLO command ignored.
TYPE A -> 200 Switching to ASCII mode.
TYPE -> 200 Switching to Binary mode.
TYPE -> 500 Unrecognised TYPE command.
TYPE [501] -> 500 Unrecognised TYPE command.
MODE -> 200 Mode set to S.
MODE -> 504 Bad MODE command.
MODE [501] -> 504 Bad MODE command.
STRU -> 200 Structure set to F.
STRU -> 504 Bad STRU command.
STRU [501] -> 504 Bad STRU command.
SITE -> 500 Unknown SITE command.
SITE [501] -> 500 Unknown SITE command.
SITE HELP -> 214 CHMOD UMASK HELP
SITE CHMOD -> 200 SITE CHMOD command ok.
SITE CHMOD -> 550 SITE CHMOD command failed.
SITE CHMOD [501] -> 500 SITE CHMOD needs 2 arguments.
SITE UMASK () -> 200 Your current UMASK is 022
SITE UMASK -> 200 UMASK set to {argument}
OPTS UTF8 ON -> 200 Always in UTF8 mode.
OPTS UTF8 [200] -> 501 Option not understood.
OPTS UTF8 [501] -> 501 Option not understood.
OPTS MLST [200] -> 501 Option not understood.
OPTS -> 501 Option not understood.
PWD -> 257 "{directory}" is the current directory
XPWD -> 257 "{directory}" is the current directory
CWD -> 250 Directory successfully changed.
CWD () [250] -> 550 Failed to change directory.
CWD -> 550 Failed to change directory.
XCWD -> 250 Directory successfully changed.
XCWD -> 550 Failed to change directory.
CDUP -> 250 Directory successfully changed.
CDUP -> 550 Failed to change directory.
XCUP -> 250 Directory successfully changed.
XCUP -> 550 Failed to change directory.
MKD -> 257 "{path}" created
MKD -> 550 Create directory operation failed.
MKD [501] -> 550 Create directory operation failed.
XMKD -> 257 "{path}" created
XMKD -> 550 Create directory operation failed.
XMKD [501] -> 550 Create directory operation failed.
RMD -> 250 Remove directory operation successful.
RMD -> 550 Remove directory operation failed.
RMD [501] -> 550 Remove directory operation failed.
XRMD -> 250 Remove directory operation successful.
XRMD -> 550 Remove directory operation failed.
XRMD [501] -> 550 Remove directory operation failed.
DELE -> 250 Delete operation successful.
DELE -> 550 Delete operation failed.
DELE [501] -> 550 Delete operation failed.
RNFR -> 350 Ready for RNTO.
RNFR -> 550 RNFR command failed.
RNFR [501] -> 550 RNFR command failed.
RNTO -> 250 Rename successful.
RNTO -> 503 RNFR required first.
RNTO -> 550 Rename failed.
SIZE -> 550 Could not get file size.
SIZE [501] -> 550 Could not get file size.
MDTM -> 550 Could not get file modification time.
MDTM [501] -> 550 Could not get file modification time.
PASV -> 227 Entering Passive Mode ({address}).
PASV [503] -> 550 Permission denied.
EPSV -> 229 Entering Extended Passive Mode (|||{data_port}|)
EPSV ALL -> 200 EPSV ALL ok.
EPSV -> 522 Bad network protocol.
EPSV [501] -> 522 Bad network protocol.
PORT -> 200 PORT command successful. Consider using PASV.
PORT [501] -> 500 Illegal PORT command.
PORT [504] -> 500 Illegal PORT command.
PORT [503] -> 550 Permission denied.
EPRT -> 200 EPRT command successful. Consider using EPSV.
EPRT () [501] -> 500 Bad EPRT protocol.
EPRT [501] -> 500 Bad EPRT command.
EPRT [504] -> 500 Illegal EPRT command.
EPRT [522] -> 500 Bad EPRT protocol.
EPRT [503] -> 550 Permission denied.
LIST -> 150 Here comes the directory listing.
LIST -> 226 Directory send OK.
NLST -> 150 Here comes the directory listing.
NLST -> 226 Directory send OK.
REST -> 350 Restart position accepted ({argument}).
REST [501] -> 350 Restart position accepted (0).
RETR -> 150 Opening {type} mode data connection for {file} ({whole_size} bytes).
RETR -> 226 Transfer complete.
RETR -> 550 Failed to open file.
RETR [501] -> 425 Use PORT or PASV first.
STOR -> 150 Ok to send data.
STOR -> 226 Transfer complete.
STOR -> 553 Could not create file.
STOR [501] -> 425 Use PORT or PASV first.
APPE -> 150 Ok to send data.
APPE -> 226 Transfer complete.
APPE -> 553 Could not create file.
APPE [501] -> 425 Use PORT or PASV first.
STOU -> 226 Transfer complete.
ABOR -> 225 No transfer to ABOR.
PBSZ [502] -> 550 Permission denied.
PROT [502] -> 550 Permission denied.
"""

PERSONA = Persona(
    features=("EPRT", "EPSV", "MDTM", "PASV", "REST STREAM", "SIZE", "TVFS"),
    offered=frozenset(
        {
            *("ABOR", "ALLO", "APPE", "AUTH", "CDUP", "CWD", "DELE", "EPRT", "EPSV", "FEAT", "HELP", "LIST"),
            *("MDTM", "MKD", "MODE", "NLST", "NOOP", "OPTS", "PASS", "PASV", "PBSZ", "PORT", "PROT", "PWD"),
            *("QUIT", "REST", "RETR", "RMD", "RNFR", "RNTO", "SITE", "SITE CHMOD", "SITE HELP", "SITE UMASK"),
            *("SIZE", "STAT", "STOR", "STOU", "STRU", "SYST", "TYPE", "USER", "XCUP", "XCWD", "XMKD", "XPWD"),
            *("XRMD", "OPTS UTF8"),
        }
    ),
    replies=texts(_TEXTS, _SEEN),
    before_login=frozenset({"USER", "PASS", "QUIT", "FEAT", "OPTS", "AUTH", "PBSZ", "PROT"}),
    quirks={"empty_if_missing": ("LIST", "NLST")},
    seen=_SEEN,
)
