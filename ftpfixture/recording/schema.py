"""The JSON Schema of one line of a recording, for programs that read or write recordings without this package.

One rule: the schema is made of the types in `ftpfixture.recording.format`, so it accepts what a recording may have. The
file ``ftp-recording-1.schema.json`` of this folder has its text.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from ftpfixture.recording.format import LATEST, Command, Data, Header, Note, Reply

__all__ = ["FILE_NAME", "render", "schema"]

FILE_NAME = f"ftp-recording-{LATEST}.schema.json"
"""The name of the file."""

_KEYS = {
    "Header": (),
    "Command": (">", ">b"),
    "Reply": ("<", "<b"),
    "Data": ("text", "lines", "base64", "blob"),
    "Note": (),
}
"""Keys of which a line has exactly one."""


def schema() -> dict[str, Any]:
    """The JSON Schema of one line; it cannot say that the digest is that of the content."""
    kinds = [Header, Command, Reply, Data, Note]
    references, components = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    for name, keys in _KEYS.items():
        _make_exact(components[name], keys)
    components["Header"]["properties"]["ftp-recording"] = {"const": LATEST}
    components["Data"]["properties"]["blob"] = {"const": True}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of an FTP recording (*.ftp.jsonl)",
        "oneOf": list(references),
        "$defs": components,
    }


def _make_exact(kind: dict[str, Any], keys: tuple[str, ...]) -> None:
    """Allow no null, which stands for a key that is left out, and require one of some keys."""
    del kind["title"]
    kind["description"] = kind["description"].partition("\n")[0]
    for name, value in kind["properties"].items():
        value.pop("default", None)
        if "anyOf" in value:
            kind["properties"][name] = next(choice for choice in value["anyOf"] if choice != {"type": "null"})
    if keys:
        kind["oneOf"] = [{"required": [key]} for key in keys]


def render() -> str:
    """The text of the file."""
    return json.dumps(schema(), indent=2) + "\n"
