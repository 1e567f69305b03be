"""A recording with everything that a page has to show, and with what servers send to harm it."""

from __future__ import annotations

from ftpfixture.recording.format import Line, Reply
from ftpfixture.recording.store import Recording
from tests.support.recordings import LOGIN, recorded

__all__ = ["HOSTILE", "SHOWN"]

HOSTILE = (
    "<script>document.title='owned'</script>"
    "<img src=https://example.com/a onerror=\"document.title='owned'\">{{ 7 * 7 }}"
)
"""A text that a page must show as it is."""

_FEED = f"""{LOGIN}
> EPSV opens passive
< 229 (|||{{port}}|)
> RETR a.csv
< 150 Go
= down a,b\\n1,2\\n eof
< 226 Done
> STOR b.csv
< 150 Go
= up 1,2\\n rst
< 426 Cut; aborted
> FEAT
< 211-Has
<  MDTM
< 211 End
> QUIT
< 221 Bye
* closed server
"""
_HARM: list[str | Line] = [
    "< 220 Hello",
    f"> RETR {HOSTILE.replace('{{', '{{{{').replace('}}', '}}}}')}",
    Reply(session=2, raw=f"550 {HOSTILE}\r\n".replace("{{", "{{{{").replace("}}", "}}}}").encode()),
    "> NOOP",
    Reply(session=2, raw=b"200 " + b"x" * 10_000 + b"\r\n"),
    "> PWD",
    Reply(session=2, raw=b"257 \xff\x1b[2J\xe2\x80\xaefdp.exe\r\n"),
    "> RETR long",
    "< 150 Go",
    f"= down {'z' * 5000} eof",
    "< 226 Done",
]
SHOWN: Recording = recorded(_FEED, _HARM, tls="explicit", loose=("NOOP",))
"""Two sessions; the second is the harmful one."""
