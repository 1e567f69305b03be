"""The names of personas.

One rule: a module for each server, with its texts as a table and where they were seen; imported when it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Literal, cast, get_args

from ftpfixture.server.persona import Persona

__all__ = ["PERSONAS", "PersonaName", "named"]

PersonaName = Literal[
    "aioftp", "bambu", "filezilla", "iis", "minimal-rfc959", "proftpd", "pure-ftpd", "pyftpdlib", "vsftpd"
]
"""A server with a persona."""

PERSONAS: tuple[PersonaName, ...] = get_args(PersonaName)


def named(name: PersonaName) -> Persona:
    """The persona of a server.

    Args:
        name: One of `PERSONAS`.
    """
    module = import_module(f"{__package__}.{name.replace('-', '_')}")
    return cast("Persona", module.PERSONA)
