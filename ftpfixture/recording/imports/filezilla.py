"""The message log of FileZilla, copied from its window or from its log file, in several of its languages.

One rule: the word before the colon says what a line is. Since 3.51 FileZilla leaves out the commands of the login.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ftpfixture.recording.imports.items import (
    Closed,
    Counted,
    DataFailed,
    Format,
    Item,
    Opened,
    Received,
    Rules,
    Secured,
    Sent,
    Shown,
    items_by,
)
from ftpfixture.recording.imports.rows import Row

__all__ = ["FILEZILLA"]

_WORDS = {
    "Command": ("Command", "Befehl", "Commande", "Comando", "Команда", "Polecenie", "Opdracht"),
    "Response": ("Response", "Answer", "Antwort", "Réponse", "Respuesta", "Risposta", "Resposta", "Ответ", "Odpowiedź"),
    "Status": ("Status", "Statut", "Estado", "Stato", "Статус"),
    "Error": ("Error", "Fehler", "Erreur", "Errore", "Erro", "Ошибка", "Błąd", "Fout"),
    "Trace": ("Trace", "Verfolgung"),
    "Listing": ("Listing",),
}
_MEANING = {word: kind for kind, words in _WORDS.items() for word in words}
_LINE = re.compile(rf"(?:[0-9]+ ([0-9]+) )?({'|'.join(_MEANING)}) ?:(?:\t|  +| )?(.*)")
"""A line: in log files the number of the connection comes first, after that of the process."""

_MESSAGES: Rules = (
    (r"Connecting to (\S+?)(?::[0-9]+)?\.\.\.", lambda number, match: Opened(number=number, hosts=(match[1],))),
    (
        r"Connection established, initializing TLS",
        lambda number, match: Secured(number=number, implicit=True),
    ),
    (r"TLS connection established\.", lambda number, match: Secured(number=number, implicit=False)),
    (
        r"File transfer successful, transferred ([0-9.,\s]+) bytes?",
        lambda number, match: Counted(number=number, size=int(re.sub(r"\D", "", match[1])), whole=True),
    ),
    (
        r"(?:Disconnected from server: |Connection closed by server)(?:.*(ECONNRESET|ECONNABORTED))?",
        lambda number, match: Closed(number=number, end="rst" if match[1] == "ECONNRESET" else "eof"),
    ),
    (r"The data connection could not be established", lambda number, match: DataFailed(number=number)),
    (r"", lambda number, match: None),
)


def _read(rows: Sequence[Row]) -> Iterator[Item]:
    for row in rows:
        match = _LINE.match(row.text)
        if match is None:
            yield Shown(number=row.number, text=row.text)
            continue
        source, kind, text = match[1] or "", _MEANING[match[2]], match[3]
        match kind:
            case "Command":
                yield Sent(number=row.number, source=source, text=text)
            case "Response":
                yield Received(number=row.number, source=source, text=indented(text))
            case "Listing":
                yield Shown(number=row.number, source=source, text=text)
            case "Status" | "Error":
                yield from _of_source(source, items_by(_MESSAGES, [Row(row.number, text)]))


def indented(text: str) -> str:
    """A line of a reply: one without a code is inside a reply of several lines, and has lost its space in the log."""
    return text if re.match(r"[0-9]{3}(?:[ -]|$)| ", text) else f" {text}"


def _of_source(source: str, items: Iterator[Item]) -> Iterator[Item]:
    return (replace(item, source=source) for item in items)


FILEZILLA = Format(
    "filezilla",
    "FileZilla's message log",
    _LINE,
    re.compile(
        r"(?:[0-9]+ [0-9]+ )?Status:\s+(?:Connection established|Logged in|Retrieving directory|Directory listing|"
        r"Disconnected|Connected$|Connecting to \S+\.\.\.|Resolving address|Plain FTP|TLS connection|Initializing|"
        r"Starting (?:up|down)load|Server does not)|(?:Befehl|Antwort|Commande|Réponse|Comando|Respuesta) ?:|"
        r"(?:Command|Response|Status|Error):\t"
    ),
    _read,
)
