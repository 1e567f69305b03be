"""The pictures of README and guide are those of the maps of the examples."""

from tests.support.sweep_pictures import pictures


def test_pictures_are_those_of_the_maps() -> None:
    """``python -m tests.support.sweep_pictures`` writes them."""
    for place, text in pictures().items():
        assert place.read_text(encoding="utf-8") == text
