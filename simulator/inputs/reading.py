"""What was understood of one file: facts with the line or offset that each comes from, notes, and what was not."""

import re
from typing import NamedTuple

from simulator.problem import InvalidInput, Problem

UNKNOWN_LIMIT = 100
NOTES_LIMIT = 100
SHOWN = 120  # characters of a line that a note or a list of unknown lines repeats


class Fact(NamedTuple):
    """One thing that a file says. Lines count from 1, offsets are bytes; a value is plain data."""

    key: str
    value: object
    line: int | None = None
    offset: int | None = None

    def as_data(self) -> dict[str, object]:
        """The fact as JSON-able data."""
        return {"key": self.key, "value": self.value, "line": self.line, "offset": self.offset}


class Reading:
    """What was understood of a file of some kind, in the order of its lines."""

    def __init__(self, kind: str, source: str) -> None:
        self.kind = kind
        self.source = source
        self.facts: list[Fact] = []
        self.notes: list[dict[str, object]] = []
        self.notes_dropped = 0
        self.unknown: list[tuple[int, str]] = []
        self.unknown_count = 0

    def say(self, key: str, value: object, *, line: int | None = None, offset: int | None = None) -> None:
        """Take a fact. The same key may be said again: whether the values agree is not decided here."""
        self.facts.append(Fact(key, value, line, offset))

    def note(self, message: str, line: int | None = None) -> None:
        """Keep a note; past the limit, count it."""
        if len(self.notes) < NOTES_LIMIT:
            self.notes.append({"message": message, "source": self.source, "line": line})
        else:
            self.notes_dropped += 1

    def skip(self, line: int, text: str) -> None:
        """A line that was not understood: counted, and the first hundred are listed."""
        self.unknown_count += 1
        if len(self.unknown) < UNKNOWN_LIMIT:
            self.unknown.append((line, text[:SHOWN]))

    def said(self, key: str) -> list[object]:
        """Every value that was said of a key, in order."""
        return [fact.value for fact in self.facts if fact.key == key]

    def refusal(self, code: str, message: str, *, line: int | None = None, column: int | None = None) -> InvalidInput:
        """An InvalidInput about this file."""
        return refusal(self.source, code, message, line=line, column=column)

    def as_data(self) -> dict[str, object]:
        """The reading as JSON-able data."""
        return {
            "kind": self.kind,
            "source": self.source,
            "facts": [fact.as_data() for fact in self.facts],
            "notes": self.notes,
            "notes_dropped": self.notes_dropped,
            "unknown": [{"line": line, "text": text} for line, text in self.unknown],
            "unknown_count": self.unknown_count,
        }


def refusal(
    source: str, code: str, message: str, *, line: int | None = None, column: int | None = None
) -> InvalidInput:
    """An InvalidInput about a file as a whole or about a place in it."""
    return InvalidInput(Problem(code=code, message=message, source=source, line=line, column=column, field="files"))


class Bounds(NamedTuple):
    """How much of a text is read: bytes, lines, characters a line; `example` is what such a file has."""

    size: int
    lines: int
    line: int
    example: str


def check_text(text: str, source: str, bounds: Bounds) -> None:
    """Raises InvalidInput for more bytes than are read, and for NUL and lone surrogates, which no text has."""
    is_ascii = text.isascii()
    if len(text) > bounds.size or (not is_ascii and len(text.encode(errors="surrogatepass")) > bounds.size):
        raise refusal(source, "too_large", f"more than {bounds.size} bytes; {bounds.example}")
    if is_ascii and "\0" not in text:
        return
    if stranger := re.search("[\0\ud800-\udfff]", text):
        line = text.count("\n", 0, stranger.start()) + 1
        column = stranger.start() - text.rfind("\n", 0, stranger.start())
        name = "a NUL character" if stranger[0] == "\0" else "a lone surrogate"
        message = f"{name}: this is no text; send the file itself, not an image or an archive"
        raise refusal(source, "not_text", message, line=line, column=column)


def lines_of(text: str, source: str, bounds: Bounds) -> list[str]:
    """The lines of a text without their ends: LF or CR LF; a byte order mark is left out.

    Raises InvalidInput that says what is too much, and where, or that it is no text.
    """
    check_text(text, source, bounds)
    lines = text.removeprefix("\ufeff").split("\n")
    if lines[-1] == "":
        lines.pop()
    if len(lines) > bounds.lines:
        raise refusal(source, "too_many_lines", f"more than {bounds.lines} lines; {bounds.example}")
    for number, line in enumerate(lines, 1):
        check_line(line, number, source, bounds)
    return [line.removesuffix("\r") for line in lines]


def check_line(line: str, number: int, source: str, bounds: Bounds) -> None:
    """Raises InvalidInput for a line that is too long."""
    if len(line) > bounds.line:
        message = f"a line of {len(line)} characters; at most {bounds.line} are read"
        raise refusal(source, "line_too_long", message, line=number, column=bounds.line + 1)
