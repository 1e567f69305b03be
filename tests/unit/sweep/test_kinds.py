"""The table of what can go wrong: every row is a fault that parses, and fits its verbs."""

from ftpfixture.faults.grammar import WORDS, parse
from ftpfixture.sweep.kinds import KINDS, LEVELS, Harm, Kind, harm_of
from ftpfixture.sweep.steps import CONNECT, Step
from ftpfixture.wire.states import LEGAL_REPLIES
from tests.support.rows import check_rows

VERBS = sorted({verb.partition(" ")[0] for verb in LEGAL_REPLIES} | {CONNECT})

# Words of faults that no row has: they need a choice that the sweep cannot make, or are the same as others.
NOT_TRIED = {
    "absolute_names",
    "answer_raw",
    "delay",
    "delay_to_next",
    "deny",
    "encoding",
    "half_close",
    "list_without_links",
    "listing",
    "missing_as_empty",
    "quota_exceeded",
    "read_error",
    "refuse_if_exists",
    "reply_raw",
    "say_raw",
    "throttle_data",
    "write_error",
}


def _step(verb: str, size: int | None = 1000) -> Step:
    return Step(1, 1, verb, 1, 1, verb, "226", size, handshake=True)


def test_each_row_is_a_fault_that_fits_its_verbs() -> None:
    """Every word of it can happen at each of its verbs."""
    check_rows(KINDS, _check)


def _check(kind: Kind) -> None:
    verbs = [verb for verb in VERBS if kind.verbs(verb)]
    assert verbs, "it is for no verb"
    for verb in verbs:
        fault = parse(f"{verb} #1: {kind.fault(_step(verb))}").optional()
        assert all(action.is_for(verb) for action in fault.actions), verb
    assert kind.level in LEVELS
    assert kind.forever in ("", *LEVELS)


def test_rows_with_one_action_are_for_different_verbs() -> None:
    """The name of a point has one meaning at a step."""
    for verb in VERBS:
        actions = [kind.action for kind in KINDS if kind.verbs(verb)]
        assert len(actions) == len(set(actions)), verb


def test_every_word_is_tried_or_left_out_on_purpose() -> None:
    """A new word needs a row, or a place in the list above."""
    tried = {word for kind in KINDS for word in kind.words.replace(";", " ").split() if word in WORDS}
    assert tried - {"absolute_names"} == set(WORDS) - NOT_TRIED


def test_harm() -> None:
    """What tells most comes first; a name of no row is a loss."""
    rows = {
        "data.half-truncate": Harm.CORRUPTION,
        "data.half-truncate-forever": Harm.CORRUPTION,
        "connect-stall": Harm.STALL,
        "command-421": Harm.REFUSAL,
        "reply-slice": Harm.ODDITY,
        "gone": Harm.LOSS,
    }
    assert {action: harm_of(action) for action in rows} == rows
    assert sorted(Harm) == [Harm.CORRUPTION, Harm.LOSS, Harm.REFUSAL, Harm.ODDITY, Harm.STALL]
