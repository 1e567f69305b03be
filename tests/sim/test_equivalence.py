"""The same dialogues over simulated and real connections."""

from __future__ import annotations

import pytest

from tests.sim.dialogues import generated

SCHEDULES = 150
SOME = 45


# aioftp leaves streams open when a server ends the session.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.parametrize("seed", range(SOME))
def test_generated_dialogues(seed: int) -> None:
    """Clients get the same, and the transcripts are equal; what races is one of the simulated schedules."""
    dialogue = generated(seed)
    real = dialogue.run()
    simulated = dialogue.run(simulate=True)
    if simulated != real:
        assert any(dialogue.run(simulate=True, schedule=schedule) == real for schedule in range(SCHEDULES))


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(SOME, 300))
def test_more_dialogues(seed: int) -> None:
    """As above."""
    test_generated_dialogues(seed)
