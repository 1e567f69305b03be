"""Faults with a name, from real bug reports.

One rule: a name stands for one fault in its text form; it says what was seen, not what to do about it.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["PRESETS", "Preset"]


class Preset(NamedTuple):
    """A fault from a bug report.

    Attributes:
        text: The fault as text.
        source: The reports: ``project#N`` is number N in the issue tracker of the project, or a test of curl.
    """

    text: str
    source: str


PRESETS: dict[str, Preset] = {
    # The data connection.
    "pasv-behind-nat": Preset("PASV: wrong_address", "pyftpdlib#39, FluentFTP#376, cpython#24838"),
    "epsv-refused": Preset("EPSV: answer 500 'EPSV not understood'", "goftp#21, proftpd#791, curl test102"),
    "data-port-unreachable": Preset("PASSIVE: unreachable_data", "jlaffaye/ftp#43, node-ftp#156"),
    "data-port-refused": Preset("PASSIVE: refuse_data", "curl test1233"),
    "data-port-silent": Preset("PASSIVE: ignore_data", "FTP-Deploy-Action#273"),
    "data-connection-425": Preset("TRANSFERS: answer 425 'Cannot open data connection'", "FTP-Deploy-Action#273"),
    "150-then-425": Preset("TRANSFERS: fail 425 'Cannot open data connection'", "curl test1206"),
    "150-then-421": Preset("TRANSFERS: fail 421 'Timeout'; close after_reply", "curl test1207"),
    "data-black-hole": Preset("TRANSFERS: stall_data", "node-ftp#244, OGGM#1932"),
    "data-ports-used-up": Preset("PASSIVE: answer 425 'No port is free'", "FluentFTP#1010, mina-ftpserver#34"),
    "active-mode-refused": Preset("ACTIVE: answer 500 'Illegal PORT command'", "xenon#480, curl test212"),
    "passive-reply-swapped": Preset(
        "PASSIVE: malformed_address swapped", "basic-ftp#164, FluentFTP#654, cpython#127478"
    ),
    "passive-reply-without-parentheses": Preset("PASSIVE: malformed_address no-parentheses", "ruby/net-ftp#16"),
    "passive-reply-without-delimiter": Preset("PASSIVE: malformed_address no-delimiter", "FluentFTP#1793"),
    "passive-reply-out-of-range": Preset("PASSIVE: malformed_address out-of-range", "curl test237, test238"),
    "passive-reply-multi-line": Preset("PASSIVE: malformed_address multi-line", "aioftp#85"),
    # The dialogue.
    "banner-multi-line": Preset(
        "CONNECT: answer 220 ['Welcome', '220 users', '  123 lines', 'Ready']",
        "twisted#10719, erlang/otp#1196",
    ),
    "banner-without-code": Preset("CONNECT: answer_raw b'Welcome\\r\\n220 Ready\\r\\n'", "cpython#123911"),
    "too-many-users": Preset("CONNECT: service_unavailable 'Too many users'", "lftp#335, node-ftp#138"),
    "no-transfer-timeout": Preset("TRANSFERS: service_unavailable 'No transfer timeout'", "datagouv#689"),
    "replies-in-pieces": Preset("*: slice 3", "curl test250, Suricata#4789"),
    "replies-together": Preset("TRANSFERS: coalesce", "curl test126, metasploit-framework#21574"),
    "multi-line-with-two-codes": Preset("CWD: mismatched_lines", "suppaftp#168"),
    "control-lost-in-transfer": Preset("TRANSFERS: close after_bytes=0", "sradownloader#13, lftp#423, basic-ftp#20"),
    "final-reply-lost": Preset("TRANSFERS: no_reply", "lftp#346, ftp-srv#387, mtheall/ftpd#69"),
    "noop-late-in-transfer": Preset("NOOP: delay 2", "node-ftp#151, FluentFTP#823"),
    "two-replies-to-cwd": Preset("CWD: repeat_reply", "basic-ftp#157"),
    "stale-reply": Preset("TYPE: say 200 'Stale'", "FluentFTP#1045, #1522"),
    "abor-without-226": Preset("ABOR: no_reply", "fsspec#1417"),
    "abor-without-426": Preset("TRANSFERS: no_reply", "suppaftp#141, aioftp#205"),
    "abor-nothing-to-abort": Preset("ABOR: reply 225 'No transfer to abort'", "fsspec#231, proftpd#1512"),
    "feat-missing": Preset("FEAT: not_implemented", "jlaffaye/ftp#260"),
    "feat-with-code-on-every-line": Preset(
        "FEAT: answer_raw b'211-Features:\\r\\n211-SIZE\\r\\n211-MDTM\\r\\n211 End\\r\\n'", "pyfilesystem2#82"
    ),
    "mlst-announced-then-silence": Preset("MLST|MLSD: ignore", "far2l#1067"),
    "pwd-without-quotes": Preset("PWD: reply 257 '/ is the current directory'", "micropython#6716, curl test1152"),
    "pwd-not-utf8": Preset("PWD: reply_raw b'257 \"/\\xe4\\xf6\"\\r\\n'", "suppaftp#113"),
    "login-430": Preset("PASS: answer 430 'Try again later'", "curl test196"),
    "quit-without-221": Preset("QUIT: close", "twisted#10866, basic-ftp#101"),
    "injection-behind-auth": Preset("AUTH: say_raw b'331 Injected\\r\\n230 Injected\\r\\n'", "curl test983"),
    # Transfers.
    "early-226": Preset("TRANSFERS: early_reply", "curl#12841, fineftp-server#63"),
    "reset-in-transfer": Preset("TRANSFERS: reset_data after_bytes=1", "basic-ftp#242, FTP-Deploy-Action#510"),
    "short-file-226": Preset("RETR: truncate at=50%", "FluentFTP#845, curl test416"),
    "short-upload-226": Preset("UPLOADS: truncate after_bytes=1", "metl#585"),
    "250-for-226": Preset("TRANSFERS: reply 250", "rclone#8966, rust-ftp#76"),
    "200-for-226": Preset("TRANSFERS: reply 200", "em-ftpd#7"),
    "125-for-150": Preset("TRANSFERS: preliminary 125", "Far-NetBox#236"),
    "150-without-size": Preset("RETR: preliminary 150 'Here it comes'", "curl test137"),
    "aborted-426": Preset("TRANSFERS: drop_data after_bytes=1", "node-ftp#179"),
    "local-error-451": Preset("TRANSFERS: fail 451 'Local error' after_bytes=1", "sftpgo#2276"),
    "busy-450": Preset("TRANSFERS: answer 450 'File busy'", "fireftp#138"),
    "quota-552": Preset("UPLOADS: quota_exceeded after_bytes=1", "curl#6016"),
    "rest-refused": Preset("REST: not_implemented", "cyberduck#11902"),
    "rest-ignored": Preset("REST: answer 350 'Restarting'", "alist#7792, pangeo-forge#195"),
    "size-lies": Preset("SIZE: wrong_size 1000", "FluentFTP#643, #310"),
    "growing-file": Preset("RETR: pad b'grown meanwhile'", "curl test416"),
    "upload-half-closed": Preset("UPLOADS: half_close_data after_bytes=1", "curl#6149"),
    # Listings and facts.
    "mlsd-missing": Preset("MLSD|MLST: not_implemented", "aioftp#39, goftp#2, CoreFTP#2"),
    "list-like-iis": Preset("LIST: list_style msdos", "fsspec#447, aioftp#82, basic-ftp#3"),
    "list-like-iis-four-digit-years": Preset("LIST: list_style msdos4", "aioftp#104"),
    "list-with-total": Preset("LIST: list_total", "pyfilesystem2#451"),
    "list-without-link-count": Preset("LIST: list_without_links", "prim-ftpd#159"),
    "list-flags-unknown": Preset("LIST -*: answer 550 'No such file or directory'", "aioftp#121, ftp-fs#10"),
    "names-in-latin-1": Preset("LISTINGS: encoding latin-1", "aioftp#56, fsspec#1287, Flexget#4325"),
    "nlst-nothing-550": Preset("NLST: answer 550 'No files found'", "FluentFTP#1363, curl test145"),
    "nlst-nothing-450": Preset("NLST: answer 450 'No files found'", "FluentFTP#316, curl test144"),
    "nlst-full-paths": Preset("NLST: absolute_names", "django-storages#26, mina-ftpserver#80"),
    "size-refused-in-ascii": Preset("SIZE type=A: answer 550 'SIZE not allowed in ASCII mode'", "curl#6564"),
    "size-missing": Preset("SIZE: not_implemented", "FluentFTP#137"),
    "mdtm-in-local-time": Preset("MDTM: shift_time 7200", "uFTP#23, jsftp#281"),
    "stou-without-file": Preset("STOU: preliminary 125 'Ready'", "pyftpdlib#8, fineftp-server#90"),
    "mkd-exists-521": Preset("MKD: answer 521 'Directory exists'", "curl test147"),
    # Encryption.
    "auth-refused": Preset("AUTH: not_implemented", "far2l#1067"),
    "prot-p-required": Preset("TRANSFERS: answer 521 'PROT P required'", "rclone#5210, maven-wagon#651"),
    "prot-c-refused": Preset("PROT C: answer 534 'PROT C denied'", "FluentFTP#951"),
    "handshake-dropped": Preset("AUTH: cut_handshake", "pyftpdlib#604"),
    "data-handshake-dropped": Preset("TRANSFERS: cut_handshake", "curl#7615"),
    "no-close-notify": Preset("TRANSFERS: no_close_notify", "cpython#78738, pyftpdlib#162, ftpretty#27"),
}
