"""Parsers with random input: it is read or refused as documented, in linear time."""

from __future__ import annotations

import os

import pytest

from tests.support.parser_fuzz import TARGETS, fuzz, slow

SEED = 20261130
TOTAL = 10_000_000
BATCH = 10_000


def test_some_inputs() -> None:
    """Each parser passes on a few hundred inputs."""
    assert [finding for target in TARGETS for finding in fuzz(target, SEED, 200)] == []


def test_the_fuzzer_finds_what_is_slow() -> None:
    """The fuzzer reports a check of quadratic time, and not one of linear time."""

    def square(text: str) -> None:
        for start in range(len(text)):
            text.count("x", start)

    def length(text: str) -> None:
        for _ in range(20000):
            text.count("x")

    assert slow(square, "a" * 3000, "a" * 24000) is not None
    assert slow(length, "a" * 3000, "a" * 24000) is None


@pytest.mark.fuzz
@pytest.mark.timeout(0)
def test_ten_million_inputs() -> None:
    """All parsers together pass on ten million inputs; the first seed is from the environment."""
    first = int(os.environ.get("FTPFIXTURE_FUZZ_SEED", SEED))
    batches = TOTAL // BATCH // len(TARGETS) + 1
    for seed in range(first, first + batches):
        assert [finding for target in TARGETS for finding in fuzz(target, seed, BATCH)] == []
