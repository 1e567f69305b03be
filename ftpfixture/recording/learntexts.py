"""The words of a recorded server as a persona: greeting, system, features, texts of replies, verbs that are off.

One rule: pure. A text becomes a template: where it has a value of its command, such as the path, it has a placeholder.

Where a server has said different things in one situation, the text for the same argument is taken (TYPE, STRU, MODE,
PROT, HELP, OPTS), or that of a transfer in the same TYPE, else the more frequent one, else the first. A verb that was
not recorded has the texts of a similar one: NLST and MLSD those of LIST, APPE those of STOR, CDUP those of CWD.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from ftpfixture.recording.asked import Asked
from ftpfixture.recording.redact import escape, fill, pieces
from ftpfixture.server.persona import ANY_VERB, GREETING, Persona, ReplyText, full_verb, same_meaning
from ftpfixture.wire.listing.styles import ListStyleName
from ftpfixture.wire.pathname import path_in
from ftpfixture.wire.states import DOWNLOADS, UPLOADS

__all__ = ["persona_of", "template"]

_CONTENT = frozenset(
    {
        *("SIZE", "MDTM", "SYST", "STOU", "CSID", "AVBL", "DSIZ", "HASH", "RANG"),
        *("XCRC", "XMD5", "XSHA", "XSHA1", "XSHA256", "XSHA512", "MD5", "SITE UMASK", "SITE IDLE", "OPTS MLST"),
    }
)
"""Verbs whose success replies are results and no fixed texts."""

_FRAMED = frozenset({"FEAT", "MLST", "STAT"})
_BY_ARGUMENT = frozenset({"TYPE", "STRU", "MODE", "PROT", "HELP", "SITE HELP", "LANG"})
_ALIKE = (
    *(("LIST", "NLST", "MLSD"), ("STOR", "APPE"), ("CWD", "CDUP"), ("CWD", "XCWD"), ("CDUP", "XCUP")),
    *(("MKD", "XMKD"), ("RMD", "XRMD"), ("PWD", "XPWD")),
)
_GENERAL = frozenset({"425", "426", "500", "502", "530"})
"""Codes of failures that have nothing to do with the verb."""

_ALWAYS_ON = frozenset({"USER", "PASS", "QUIT", "TYPE", "STRU", "MODE", "PROT"})
_ANNOUNCED: Mapping[str, str] = {  # RFC 3659, RFC 7151, RFC 2640, draft-somers-ftp-mfxx: FEAT must name them
    **{verb: verb for verb in ("SIZE", "MDTM", "MLST", "HOST", "LANG", "MFMT", "MFCT", "MFF", "HASH")},
    "MLSD": "MLST",
}

_SERVER_VALUES: Mapping[str, str] = {
    "user": "{user}",
    "host": "{host}",
    "address": "{address}",
    "port": "{data_port}",
    "server_port": "{port}",
    "user_number": "{session}",
    "local_time": "{now:%H:%M}",
    "time_on_date": "{now:%H:%M:%S on %Y-%m-%d}",
}
"""Placeholders of recordings, and those of personas."""

_SIZE = re.compile(r"[0-9]+(?= bytes?\b)")
_ONE_OF_TWO = (
    ("{size} byte)", re.compile(r"\{size\} bytes?\b"), "{size} {unit}"),  # ProFTPD; others write "1 bytes"
    ("{whole_size}", re.compile(r"\{size\}"), "{whole_size}"),  # without REST the two are one
)
"""What only some texts can show, the text that may mean it, and what is meant then."""


def persona_of(
    sessions: Iterable[Iterable[Asked]],
    values: Mapping[str, str],
    styles: Iterable[ListStyleName],
    known: Collection[str],
) -> Persona:
    """The persona of a recorded server.

    Args:
        sessions: The commands of each session.
        values: Of placeholders that a learnt server has no value for.
        styles: Of its LIST, the most frequent first.
        known: Verbs of a server of this package, upper case, with GREETING.
    """
    everything = [asked for session in sessions for asked in session]
    features = _features(everything, values)
    refused = _refused(everything, features)
    system = next((fill(asked.replies[-1].lines[0], values) for asked in everything if _is(asked, "SYST", "215")), None)
    return Persona(
        system=system,
        features=features,
        list_style=next(iter(styles), "unix"),
        refused=refused,
        refuse_size_in_ascii=any(
            asked.verb == "SIZE" and asked.ascii and asked.code == "550" and "ascii" in asked.replies[-1].text.lower()
            for asked in everything
        ),
        replies=tuple(dict.fromkeys(_texts(everything, values, known, refused))),
    )


def _is(asked: Asked, verb: str, code: str) -> bool:
    return asked.verb == verb and asked.code == code


def _features(everything: Iterable[Asked], values: Mapping[str, str]) -> tuple[str, ...] | None:
    """The lines of the last FEAT, because servers announce less before TLS."""
    found = [asked.replies[-1] for asked in everything if _is(asked, "FEAT", "211")]
    return tuple([fill(line, values).strip() for line in found[-1].lines[1:-1]]) if found else None


def _refused(everything: Iterable[Asked], features: tuple[str, ...] | None) -> frozenset[str]:
    """Verbs that only ever got 500 or 502, and those that FEAT would have named."""
    codes: defaultdict[str, set[str]] = defaultdict(set)
    for asked in everything:
        verb, _ = full_verb(asked.verb, asked.argument)
        if asked.code and asked.code != "421":
            codes[verb].add(asked.code)
    off = {
        verb
        for verb, found in codes.items()
        if verb not in _ALWAYS_ON and found <= ({"500", "502", "504"} if " " in verb else {"500", "502"})
    }
    if features is not None:
        named = {line.split(" ")[0].upper() for line in features}
        works = {verb for verb, found in codes.items() if any(code[0] in "23" for code in found)}
        off |= {verb for verb, name in _ANNOUNCED.items() if not {name, verb} & named and verb not in works}
    return frozenset(off - {GREETING})


# Texts.


def _texts(
    everything: Iterable[Asked], values: Mapping[str, str], known: Collection[str], refused: frozenset[str]
) -> Iterator[ReplyText]:
    counted: Counter[ReplyText] = Counter()
    for asked in everything:
        counted.update(_texts_of(asked, values, known))
    found = [text for text, _ in counted.most_common()]
    for name, ambiguous, exact in _ONE_OF_TWO:
        if any(name in line for text in found for line in text.lines):
            found = [replace(text, lines=tuple([ambiguous.sub(exact, line) for line in text.lines])) for text in found]
    yield from found
    yield from _alike(found)
    yield from _general(found, refused)


def _texts_of(asked: Asked, values: Mapping[str, str], known: Collection[str]) -> Iterator[ReplyText]:
    verb, argument = full_verb(asked.verb, asked.argument)
    for spoken in asked.replies:
        if spoken.code == "421" or (verb in _CONTENT and spoken.code[0] in "12"):
            continue
        lines = tuple([template(line, spoken.code, asked, values) for line in spoken.lines])
        if verb in _FRAMED and spoken.code[0] == "2" and len(lines) > 1:
            yield ReplyText(verb, spoken.code, (lines[0], lines[-1]), framed=True)
            continue
        depends = verb in _BY_ARGUMENT or verb.startswith("OPTS ")
        transfer_type = ("A" if asked.ascii else "I") if verb in DOWNLOADS | UPLOADS and spoken.code[0] in "12" else ""
        text = ReplyText(verb, spoken.code, lines, spoken.listing, transfer_type=transfer_type)
        if not depends or any("{argument}" in line for line in lines):
            yield text
        if depends or verb not in known:
            yield replace(text, argument=argument)


def template(line: str, code: str, asked: Asked, values: Mapping[str, str]) -> str:
    """A line of a reply with placeholders for the values of its command.

    Args:
        line: As recorded.
        code: Of the reply.
        asked: The command.
        values: Of recorded placeholders that a learnt server has no value for.
    """
    found = _found(code, asked)
    made = []
    for text, name in pieces(line):
        made.append(_substituted(text, found, code, asked))
        if name is not None:
            is_known = name in _SERVER_VALUES and (name != "user" or asked.verb)  # the greeting knows no user
            made.append(_SERVER_VALUES[name] if is_known else escape(values.get(name, name)))
    return "".join(made)


def _found(code: str, asked: Asked) -> dict[str, str]:
    """Values of the command, and their placeholders; of two placeholders with one value the last one counts."""
    _, argument = full_verb(asked.verb, asked.argument)
    path, file = asked.path, path_in(asked.verb, asked.argument)
    changed = asked.verb in ("CWD", "CDUP", "XCWD", "XCUP", "PWD", "XPWD") and code[0] == "2"
    if asked.verb in ("USER", "PASS", "ACCT"):
        found = {}
    elif changed:
        found = {_quoted(asked.directory_after, code): "{directory}"}
    elif path is None or file is None:
        found = {argument: "{argument}"}
    elif code == "257":
        found = {_quoted(file, code): "{file}", _quoted(path, code): "{path}"}
    else:
        found = {argument.partition(" ")[0]: "{word}", str(path): "{path}", file: "{file}"}
    if asked.verb:
        found[asked.verb] = "{verb}"
    if code[0] == "1":
        found["ASCII" if asked.ascii else "BINARY"] = "{type}"
    return {value: name for value, name in found.items() if value}


def _quoted(path: PurePosixPath | str, code: str) -> str:
    return str(path).replace('"', '""') if code == "257" else str(path)


def _substituted(text: str, found: Mapping[str, str], code: str, asked: Asked) -> str:
    size = _SIZE.search(text) if asked.verb == "RETR" and code[0] == "1" else None
    if size is not None:
        before, after = text[: size.start()], text[size.end() :]
        return _marked(before, found) + _size_name(int(size[0]), asked) + _marked(after, found)
    return _marked(text, found)


def _size_name(size: int, asked: Asked) -> str:
    data = asked.data
    skipped = asked.offset if data is None else data.offset
    return "{whole_size}" if skipped and data is not None and size == skipped + data.size else "{size}"


def _marked(text: str, found: Mapping[str, str]) -> str:
    if not found:
        return escape(text)
    values = "|".join(map(re.escape, sorted(found, key=len, reverse=True)))
    made, end = [], 0
    for match in re.finditer(rf"(?<![\w./-])(?<!\w')(?:{values})(?![\w/-])(?!\.\w)", text):
        made += [escape(text[end : match.start()]), found[match[0]]]
        end = match.end()
    return "".join([*made, escape(text[end:])])


def _alike(texts: list[ReplyText]) -> Iterator[ReplyText]:
    """Texts of similar verbs, where a verb has none of its own."""
    by_verb: defaultdict[str, list[ReplyText]] = defaultdict(list)
    for text in texts:
        by_verb[text.verb].append(text)
    for family in _ALIKE:
        for verb in family:
            own = list(by_verb[verb])
            for text in [text for other in family if other != verb for text in by_verb[other]]:
                copied = replace(text, verb=verb)
                if copied not in by_verb[verb] and not any(same_meaning(text.code, mine.code) for mine in own):
                    by_verb[verb].append(copied)
                    yield copied


def _general(texts: list[ReplyText], refused: frozenset[str]) -> Iterator[ReplyText]:
    """Texts for any verb: unknown ones, those without a data connection, those before the login."""
    for text in texts:
        fits_any = all(set(re.findall(r"(?<!\{)\{(\w+)", line)) <= {"verb", "user"} for line in text.lines)
        is_off = text.verb in refused and " " not in text.verb
        is_general = is_off if text.code in ("500", "502") else text.verb not in ("USER", "PASS", "ACCT")
        if text.code in _GENERAL and fits_any and is_general:
            yield replace(text, verb=ANY_VERB, argument=None)
