"""Names of months as servers write them, in the language of their system.

One rule: a name that means different months in different languages is read only when the other names of the listing
leave one meaning.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache

__all__ = ["is_month", "months_in", "months_of"]

_ENGLISH = "en"

# From January to December, as glibc and Windows abbreviate them; a slash between forms of one month. French "jui" is
# no form here: cut to three letters it is June as well as July.
_NAMES = {
    _ENGLISH: "jan feb mar apr may jun jul aug sep/sept oct nov dec",
    "cs": "led úno bře dub kvě čen/čvn čec/čvc srp zář říj lis pro",
    "da": "jan feb mar apr maj jun jul aug sep okt nov dec",
    "de": "jan/jän feb mär/mrz/märz apr mai jun/juni jul/juli aug sep/sept okt nov dez",
    "es": "ene feb mar abr may jun jul ago sep/sept/set oct nov dic",
    "fi": "tammi helmi maalis huhti touko kesä heinä elo syys loka marras joulu",
    "fr": "janv/jan févr/fév mars/mar avr/avril mai juin/jun juil/jul août/aoû sept/sep oct nov déc",
    "hr": "sij vel/velj ožu tra svi lip srp kol ruj lis stu pro",
    "hu": "jan feb/febr már/márc ápr máj jún júl aug sze/szept okt nov dec",
    "it": "gen feb mar apr mag giu lug ago set/sett ott nov dic",
    "nb": "jan feb mar/mars apr/april mai jun/juni jul/juli aug sep/sept okt nov des",
    "nl": "jan feb mrt/maa apr mei jun jul aug sep/sept okt nov dec",
    "pl": "sty lut mar kwi maj cze lip sie wrz paź lis gru",
    "pt": "jan fev mar abr mai jun jul ago set out nov dez",
    "ro": "ian feb mar apr mai iun iul aug sep/sept oct noi/nov dec",
    "ru": "янв фев мар апр май/мая июн/июня июл/июля авг сен окт ноя дек",
    "sk": "jan feb mar apr máj jún júl aug sep okt nov dec",
    "sl": "jan feb mar apr maj jun jul avg sep okt nov dec",
    "sv": "jan feb mar/mars apr/april maj jun/juni jul/juli aug sep/sept okt nov dec",
    "tr": "oca şub mar nis may haz tem ağu eyl eki kas ara",
    "uk": "січ лют бер кві тра чер лип сер вер жов лис гру",
}
_CODECS = ("latin-1", "iso8859-2", "cp1250", "cp1254", "cp1251", "koi8-u", "cp866", "cp852", "cp850", "mac-roman")
"""Encodings in which servers send these names to a client that reads UTF-8."""


def months_in(language: str) -> tuple[str, ...]:
    """The names of the months in a language such as "de", from January to December."""
    return tuple([names.partition("/")[0] for names in _NAMES[language].split()])


def _spellings(name: str) -> set[str]:
    """Return the forms of a name on the wire: composed or not, without its marks, or in bytes that are not UTF-8."""
    parts = unicodedata.normalize("NFD", name)
    found = {name, parts, "".join(letter for letter in parts if not unicodedata.combining(letter))}
    for codec in _CODECS:
        for letters in (name, name.capitalize()):
            encoded = letters.encode(codec, "replace")
            if encoded.decode(codec) == letters:
                found.add(_folded(encoded.decode("utf-8", "surrogateescape")))
    return found


def _folded(word: str) -> str:
    return word.removesuffix(".").lower()


@cache
def _meanings() -> dict[str, dict[str, int]]:
    """Return a table from each spelling to its languages and the month in each."""
    table: dict[str, dict[str, int]] = {}
    for language, names in _NAMES.items():
        for number, forms in enumerate(names.split(), 1):
            for form in forms.split("/"):
                for word in _spellings(form):
                    table.setdefault(word, {})[language] = number
    return table


def is_month(word: str) -> bool:
    """Return whether a word, in any case, perhaps followed by a full stop, is the name of a month."""
    return _folded(word) in _meanings()


def months_of(words: Iterable[str]) -> dict[str, int]:
    """Return the months that the names in one listing mean, in the languages that contain most of them.

    English wins if it is one of those, because servers write English unless they are configured otherwise.

    Args:
        words: Names as written in the listing, in any case, perhaps followed by a full stop.

    Returns:
        Each name and its number, 1 to 12. A name without meaning, or with more than one, is left out.
    """
    folded = {word: _folded(word) for word in set(words)}
    table = _meanings()
    known = [table[text] for text in set(folded.values()) if text in table]
    counts = {language: sum(language in meanings for meanings in known) for language in _NAMES}
    most = max(counts.values())
    languages = [language for language in _NAMES if counts[language] == most]
    found = {}
    for word, text in folded.items():
        numbers = _numbers(table.get(text, {}), languages)
        if len(numbers) == 1:
            found[word] = numbers.pop()
    return found


def _numbers(meanings: dict[str, int], languages: list[str]) -> set[int]:
    """Return the months that a name can mean in these languages, or in any if none of them has it."""
    if _ENGLISH in languages and _ENGLISH in meanings:
        return {meanings[_ENGLISH]}
    return {meanings[language] for language in languages if language in meanings} or set(meanings.values())
