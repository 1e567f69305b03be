"""A recording as one HTML page: the ladder diagram of every session, with a filter.

One rule: the page loads nothing and runs nothing but its own script, whatever a server has sent. Texts are escaped, and
a policy in the page forbids all else.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from ftpfixture.recording.ladder import ladders
from ftpfixture.recording.store import Recording

__all__ = ["page"]

_SOURCES = {"server": "a server of this package", "proxy": "a real server, through a proxy", "import": "a log"}


def page(recording: Recording, title: str) -> str:
    """Return the page.

    Args:
        recording: What it shows.
        title: Such as the name of the file.
    """
    environment = _environment()
    style, script = (environment.get_template(name).render() for name in ("page.css", "page.js"))
    sessions = ladders(recording)
    return environment.get_template("page.html").render(
        title=title,
        header=recording.header,
        source=_SOURCES[recording.header.source],
        sessions=sessions,
        commands=sum(session.commands for session in sessions),
        style=style,
        script=script,
        style_hash=_policy_hash(style),
        script_hash=_policy_hash(script),
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("ftpfixture.recording"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


def _policy_hash(content: str) -> str:
    """The source of a Content-Security-Policy that allows only this content."""
    return f"'sha256-{b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
