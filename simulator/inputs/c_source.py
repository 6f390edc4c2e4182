"""C source as its preprocessor sees it: comments left out, continued lines joined, conditions kept."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

NESTING_LIMIT = 16  # conditions within conditions
STATEMENT_LIMIT = 16  # lines of a statement that its semicolon ends

Condition = tuple[str, bool]


class Line(NamedTuple):
    """A line of a file; numbers count from 1."""

    number: int
    text: str


class LogicalLine(NamedTuple):
    """What the preprocessor sees as one line: without comments, and with what a backslash or a comment continues.

    `is_cut` where it goes on past the end of what is shown, `is_first` where something unseen may come before it.
    """

    parts: tuple[Line, ...]
    conditions: frozenset[Condition]
    is_cut: bool
    is_first: bool

    @property
    def line(self) -> int:
        """The number of its first line."""
        return self.parts[0].number

    @property
    def text(self) -> str:
        """Its text as one."""
        return " ".join(part.text for part in self.parts)


#: Strings hide marks of comments; one that is not closed ends with its line.
_MARK = re.compile(r"""\"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|//|/\*|\*/""")


class _Comments:
    """Leaves comments out, line by line. A text that begins within one is told by an end without a beginning."""

    def __init__(self) -> None:
        self.is_inside = False
        self.is_new = True

    def strip(self, text: str) -> tuple[str, bool]:
        """A line without its comments, and whether all before it was one."""
        if not self.is_inside and "/*" not in text and "*/" not in text and "//" not in text:
            return text, False
        kept, at, was_inside = [], 0, False
        while at < len(text):
            if self.is_inside:
                end = text.find("*/", at)
                self.is_inside, at = end < 0, len(text) if end < 0 else end + 2
                continue
            mark = _MARK.search(text, at)
            if mark is None:
                kept.append(text[at:])
                break
            kept.append(text[at : mark.start()])
            at = mark.end()
            if mark[0] == "//":
                break
            if mark[0] == "*/" and self.is_new:
                kept, was_inside = [], True
            elif mark[0] == "/*":
                self.is_inside = True
                kept.append(" ")
            else:
                kept.append(mark[0])
                continue
            self.is_new = False
        return "".join(kept), was_inside


_DIRECTIVE = re.compile(r"[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else|endif)\b[ \t]*(.*)", re.ASCII | re.DOTALL)
_DEFINED = re.compile(r"(!?)[ \t]*defined[ \t]*\(?[ \t]*(\w+)[ \t]*\)?[ \t]*", re.ASCII)


class _Nesting:
    """The conditions that hold at a line. Beginnings and ends that a diff does not show are done without."""

    def __init__(self) -> None:
        self.levels: list[list[Condition]] = []
        self.deeper = 0
        self.now: frozenset[Condition] = frozenset()

    def take(self, directive: str, condition: str) -> None:
        """Follow an #if of any kind, #elif, #else or #endif."""
        if directive.startswith("if"):
            if len(self.levels) < NESTING_LIMIT:
                self.levels.append([_condition(directive, condition)])
            else:
                self.deeper += 1
        elif self.deeper:
            self.deeper -= directive == "endif"
        elif self.levels and directive == "endif":
            self.levels.pop()
        elif self.levels:
            level = self.levels[-1]
            level[-1] = (level[-1][0], not level[-1][1])
            if directive == "elif" and len(level) < NESTING_LIMIT:
                level.append(_condition("if", condition))
        self.now = frozenset(condition for level in self.levels for condition in level)


def _condition(directive: str, text: str) -> Condition:
    words = " ".join(text[:200].split())
    if directive != "if":
        return words.split(" ")[0], directive == "ifdef"
    defined = _DEFINED.fullmatch(words)
    return (words, True) if defined is None else (defined[2], not defined[1])


def is_dead(conditions: frozenset[Condition]) -> bool:
    """Whether no compiler sees a line: `#if 0`, the other branch of `#if 1`, or conditions that exclude each other."""
    return ("0", True) in conditions or ("1", False) in conditions or not _agree(conditions)


def _agree(conditions: frozenset[Condition]) -> bool:
    return len({name for name, _ in conditions}) == len(conditions)


def may_meet(one: frozenset[Condition], other: frozenset[Condition]) -> bool:
    """Whether lines of these conditions may be compiled together."""
    return _agree(one | other)


def logical_lines(fragments: Iterable[Sequence[Line]]) -> list[LogicalLine]:
    """The logical lines of the parts of one file that are shown, a whole file or the hunks of a diff."""
    found, nesting = [], _Nesting()
    for fragment in fragments:
        for logical in _joined(fragment):
            if directive := _DIRECTIVE.match(logical.text):
                nesting.take(directive[1], directive[2])
            found.append(logical._replace(conditions=nesting.now))
    return found


def _joined(fragment: Sequence[Line]) -> list[LogicalLine]:
    comments, goes_on = _Comments(), False
    found: list[LogicalLine] = []
    parts: list[Line] = []
    for number, raw in fragment:
        text, was_comment = comments.strip(raw)
        if was_comment:
            found, parts = [], []
        bare = text.rstrip()
        goes_on = bare.endswith("\\") and not comments.is_inside
        parts.append(Line(number, bare[:-1] if goes_on else text))
        if not goes_on and not comments.is_inside:
            found.append(LogicalLine(tuple(parts), frozenset(), is_cut=False, is_first=not found and not was_comment))
            parts = []
    if parts:
        found.append(LogicalLine(tuple(parts), frozenset(), is_cut=goes_on, is_first=not found))
    return found


def statement(lines: Sequence[LogicalLine], at: int, start: int) -> list[Line]:
    """A statement from a place in a logical line on, without its semicolon, or at most 16 lines of it."""
    first = lines[at]
    parts = [Line(first.line, first.text[start:])]
    for following in lines[at + 1 : at + STATEMENT_LIMIT]:
        if ";" in parts[-1].text or following.is_first:
            break
        parts += following.parts[:STATEMENT_LIMIT]
    last = next((position for position, part in enumerate(parts) if ";" in part.text), len(parts))
    return [Line(number, text.partition(";")[0]) for number, text in parts[: last + 1]]
