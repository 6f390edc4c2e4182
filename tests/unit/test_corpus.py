"""Inputs that failed once, and hostile texts, through their readers: a value or InvalidInput."""

from pathlib import Path

import pytest

from tests.fuzz.__main__ import CORPUS, CORPUS_LIMIT
from tests.fuzz.targets import TARGETS, read
from tests.hostile.texts import hostile_texts

KEPT = sorted(path for path in CORPUS.iterdir() if path.is_file())
TEXTS = [text for text in hostile_texts() if text.role in TARGETS]


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.name)
def test_what_failed_once_is_read_or_refused(path: Path) -> None:
    body = path.read_bytes()
    assert len(body) <= CORPUS_LIMIT
    assert read(TARGETS[path.name.partition(".")[0]], body) in (True, False)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: f"{text.role}: {text.name}")
def test_a_hostile_text_is_read_or_refused(text) -> None:
    assert read(TARGETS[text.role], text.body) is text.is_read


def test_that_something_is_kept() -> None:
    assert KEPT
    assert len(TEXTS) > 100
