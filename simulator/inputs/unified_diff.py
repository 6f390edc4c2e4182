"""Unified diffs, as git format-patch, diff -u and mails write them: files and hunks, with the lines of the text."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from simulator.inputs.c_source import Line
from simulator.inputs.reading import Reading

PATH_LIMIT = 200  # characters


class DiffLine(NamedTuple):
    """A line of a hunk. The number is that in the text of the diff; `mark` is `+`, `-` or a blank."""

    number: int
    mark: str
    text: str


class Hunk(NamedTuple):
    """A hunk: the line of its head, the function that git puts there, its lines, and whether some are missing."""

    line: int
    context: str
    lines: list[DiffLine]
    is_cut: bool

    def side(self, without: str) -> list[Line]:
        """The lines as they are after the patch (without `-`) or before it (without `+`)."""
        return [Line(line.number, line.text) for line in self.lines if line.mark != without]

    @property
    def changes(self) -> list[DiffLine]:
        """The lines that are added or removed."""
        return [line for line in self.lines if line.mark != " "]


class FileDiff(NamedTuple):
    """What a diff does to one file; the path is that after the patch, without `a/` or `b/`."""

    path: str
    line: int
    hunks: list[Hunk]


_QUOTES = r"(?:> ?){0,8}"
_HUNK = re.compile(
    rf"({_QUOTES})@@ -[0-9]{{1,9}}(?:,([0-9]{{1,9}}))? \+[0-9]{{1,9}}(?:,([0-9]{{1,9}}))? @@ ?(.*)", re.ASCII
)
_HEAD = re.compile(rf"({_QUOTES})(diff --git |--- |\+\+\+ )(.*)", re.ASCII)
_SIGNATURE = re.compile(r"-- ?")
_MAILER = re.compile(r"[0-9]{1,4}\.[0-9.a-zA-Z-]{1,40} *", re.ASCII)
_ENCODING = re.compile(r"Content-Transfer-Encoding:[ \t]*([A-Za-z0-9-]{1,40})[ \t]*", re.ASCII | re.IGNORECASE)
_ENCODED = re.compile(r"=([0-9A-Fa-f]{2})", re.ASCII)
_NO_BREAK = "\u00a0"


def is_diff(lines: Sequence[str]) -> bool:
    """Whether lines hold a hunk of a unified diff, quoted by a mail or not."""
    return any("@@ -" in line and _HUNK.fullmatch(line) for line in lines)


def unfold(lines: Sequence[str], reading: Reading) -> list[Line]:
    """The lines of a text, numbered; those of a mail in quoted-printable are decoded, joined, and numbered as sent."""
    found: list[Line] = []
    parts: list[str] = []
    is_encoded, start = False, 1
    for number, line in enumerate(lines, 1):
        if header := _ENCODING.fullmatch(line):
            is_encoded = header[1].lower() == "quoted-printable"
            if is_encoded:
                reading.note("quoted-printable is decoded", number)
        if not parts:
            start = number
        if is_encoded and line.endswith("="):
            parts.append(line[:-1])
            continue
        whole = "".join((*parts, line))
        found.append(Line(start, _ENCODED.sub(_decoded, whole) if is_encoded else whole))
        parts = []
    if parts:
        found.append(Line(start, "".join(parts)))
    return _without_no_break(found, reading)


def _decoded(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character.isascii() and (character.isprintable() or character == "\t") else "?"


def _without_no_break(lines: list[Line], reading: Reading) -> list[Line]:
    first = next((line.number for line in lines if _NO_BREAK in line.text), None)
    if first is None:
        return lines
    reading.note("no-break spaces are read as blanks", first)
    return [Line(line.number, line.text.replace(_NO_BREAK, " ")) for line in lines]


def read_diff(lines: Sequence[Line], reading: Reading) -> list[FileDiff]:
    """The files that a diff changes, in order; what is around the hunks is left out.

    Quoted, cut, damaged and miscounted hunks are read as far as they go, with a note each.
    """
    return _DiffReader(lines, reading).read()


class _DiffReader:
    def __init__(self, lines: Sequence[Line], reading: Reading) -> None:
        self.lines, self.reading = lines, reading
        self.at = 0
        self.files: list[FileDiff] = []
        self.old = self.path = ""
        self.noted: set[str] = set()

    def read(self) -> list[FileDiff]:
        while self.at < len(self.lines):
            number, text = self.lines[self.at]
            self.at += 1
            if hunk := _HUNK.fullmatch(text):
                self._take_hunk(number, hunk)
            elif head := _HEAD.fullmatch(text):
                self._take_head(number, head)
        return self.files

    def _note_once(self, message: str, line: int) -> None:
        if message not in self.noted:
            self.noted.add(message)
            self.reading.note(message, line)

    def _take_head(self, number: int, head: re.Match[str]) -> None:
        quotes, kind, rest = head.groups()
        if kind == "diff --git ":
            self._begin(number, _path(rest.rpartition(" ")[2]))
        elif kind == "--- " and self._next_is(quotes + "+++ "):
            self.old = _path(rest)
        elif kind == "+++ " and self.old:
            new = _path(rest)
            self.path, self.old = self.old if new == "/dev/null" else new, ""

    def _begin(self, number: int, path: str) -> None:
        self.files.append(FileDiff(path, number, []))
        self.old = self.path = ""

    def _next_is(self, start: str) -> bool:
        return self.at < len(self.lines) and self.lines[self.at].text.startswith(start)

    def _take_hunk(self, number: int, head: re.Match[str]) -> None:
        quotes = head[1]
        if quotes:
            self._note_once("the diff is quoted by a mail; the quote marks are left out", number)
        if self.path and (not self.files or self.files[-1].hunks or self.files[-1].path != self.path):
            self._begin(number, self.path)
        elif not self.files:
            self.reading.note("a hunk whose file is not named", number)
            self._begin(number, "")
        before, after = (1 if count is None else int(count) for count in (head[2], head[3]))
        lines: list[DiffLine] = []
        while before > 0 or after > 0:
            line = self._next_of_hunk(quotes)
            if line is None:
                break
            lines.append(line)
            before -= line.mark != "+"
            after -= line.mark != "-"
        is_cut = before > 0 or after > 0
        if is_cut or before < 0 or after < 0:
            self.reading.note("the hunk has other lines than its head counts; it is cut off or was edited", number)
        if not is_cut:
            self._take_surplus(number, quotes, lines)
        self.path = ""
        self.files[-1].hunks.append(Hunk(number, head[4], lines, is_cut))

    def _next_of_hunk(self, quotes: str) -> DiffLine | None:
        """The next line of a hunk; None where the text or the hunk ends. Words between quoted lines are left out."""
        while self.at < len(self.lines):
            number, text = self.lines[self.at]
            if _HUNK.fullmatch(text) or self._ends_hunk(text, quotes):
                return None
            self.at += 1
            if quotes and not text.startswith(quotes.rstrip()):
                if text.strip():
                    self._note_once("words between the lines of the quoted diff are left out", number)
                continue
            body = text.removeprefix(quotes) if text.startswith(quotes) else text.removeprefix(quotes.rstrip())
            if body.startswith("\\"):
                continue
            return self._line_of(number, body)
        return None

    def _ends_hunk(self, text: str, quotes: str) -> bool:
        body = text.removeprefix(quotes)
        after = self.lines[self.at + 1].text if self.at + 1 < len(self.lines) else ""
        if _SIGNATURE.fullmatch(body):
            return _MAILER.fullmatch(after.removeprefix(quotes)) is not None
        return body.startswith("diff --git ") or (body.startswith("--- ") and after.startswith(quotes + "+++ "))

    def _line_of(self, number: int, body: str) -> DiffLine:
        if body[:1] in ("+", "-", " "):
            return DiffLine(number, body[0], body[1:])
        if body.strip():
            self._note_once("lines of the diff have lost their mark; they are read as unchanged", number)
        return DiffLine(number, " ", body)

    def _take_surplus(self, number: int, quotes: str, lines: list[DiffLine]) -> None:
        """Lines of a hunk past what its head counts: somebody edited it."""
        count = len(lines)
        while self.at < len(self.lines) and self._is_surplus(self.lines[self.at].text, quotes):
            line = self.lines[self.at]
            lines.append(self._line_of(line.number, line.text.removeprefix(quotes)))
            self.at += 1
        if len(lines) > count:
            self.reading.note("the hunk has more lines than its head counts; they are read", number)

    def _is_surplus(self, text: str, quotes: str) -> bool:
        body = text.removeprefix(quotes)
        is_marked = text.startswith(quotes) and body[:1] in ("+", "-", " ") and bool(body.strip())
        return is_marked and not _SIGNATURE.fullmatch(body) and not self._ends_hunk(text, quotes)


def _path(text: str) -> str:
    """The path in a head of a diff, without date, quotes and the letter that git puts before it."""
    path = text.partition("\t")[0].strip().strip('"')
    is_lettered = path[1:2] == "/" and path[:1] in ("a", "b", "c", "i", "o", "w")
    return (path[2:] if is_lettered else path)[:PATH_LIMIT]
