"""The messages of failed assertions."""

from __future__ import annotations

import pickle

from ftpfixture.log.failures import FailureText, failure
from tests.support.story import Story


def test_a_failure_is_its_problem_and_the_dialogue(story: Story) -> None:
    """The text has headline and lines, and ends with the folded dialogue, around the commands that matter."""
    story.connect()
    numbers = [story.say(f"CWD /{number}", "250") for number in range(100)]

    text = failure("MKD: never sent", ["sent were: CWD"], story.log, [numbers[50]])

    assert text == f"MKD: never sent\nsent were: CWD\n\n{story.log.dialogue([numbers[50]])}"
    assert "> CWD /50" in text


def test_a_failure_knows_where_its_dialogue_begins(story: Story) -> None:
    """A report can show the problem and the dialogue in different places."""
    story.connect()

    text = failure("MKD: never sent", [], story.log, iter([7]))

    assert isinstance(text, FailureText)
    assert (text.problem, text.log, text.around) == ("MKD: never sent", story.log, (7,))


def test_a_failure_goes_to_other_processes_as_plain_text(story: Story) -> None:
    """A log stays in its process."""
    error = AssertionError(failure("MKD: never sent", [], story.log))

    copy = pickle.loads(pickle.dumps(error))

    assert str(copy) == str(error)
    assert type(copy.args[0]) is str
