"""Attributes of a server that a test must not assign, because the server would not notice.

One rule: each error has the call that does what the test meant.
"""

from __future__ import annotations

from collections.abc import Collection

from ftpfixture.checks import nearest
from ftpfixture.errors import ConfigurationError

__all__ = ["refuse_assignment"]

_INSTEAD = {
    "files": "use files['/a.txt'] = b'...' or files.update({...}), and files.clear() to remove all of them",
    "faults": "use faults.add('RETR: drop_data')",
    "log": "use log.clear() to forget all records",
    "clock": "use clock.freeze(at=...), clock.move(seconds) or clock.resume()",
    "throttle": "use throttle.write.limit = ... for downloads, and throttle.read.limit = ... for uploads",
    "tls": "use the settings tls=, certificate= and the like",
    "driver": "use the setting driver=",
    "expectations": "use expect(...), and reset() to forget all of them",
}
_OWN = frozenset({"server"})  # attributes that the server itself assigns


def refuse_assignment(owner: object, name: str, settings: Collection[str]) -> None:
    """Refuse an assignment to an attribute of a server.

    A test may assign its own attributes under other names.

    Args:
        owner: The server.
        name: Name of the attribute.
        settings: The names of all settings.

    Raises:
        ConfigurationError: It is a part of the server, a setting, or nearly the name of one.
    """
    if name.startswith("_") or name in _OWN:
        return
    is_part = hasattr(type(owner), name)
    if name in _INSTEAD:
        if is_part or name in vars(owner):
            raise ConfigurationError(f"the {name} of a server cannot be replaced: {_INSTEAD[name]}")
        return
    if name in settings:
        raise ConfigurationError(
            f"{name} is a setting, and assigning it changes nothing: use FtpServer({name}=...), the marker "
            f"ftp({name}=...), or reset({name}=...)"
        )
    if is_part:
        raise ConfigurationError(f"the {name} of a server cannot be replaced")
    near = nearest(name, [*_INSTEAD, *settings])
    if near:
        raise ConfigurationError(f"a server has no {name!r} to assign: did you mean {near[0]!r}?")
