"""The syntax of xl.cfg(5): settings `name = value`, each value a text or a list."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from simulator.inputs.reading import Bounds, lines_of, refusal
from simulator.problem import InvalidInput

BOUNDS = Bounds(256 << 10, 20_000, 64 << 10, "a domain's configuration has some 50 lines")
SETTINGS_LIMIT = 2000
DEPTH_LIMIT = 8

#: A text, which a number is too, or a list.
Value = str | list["Value"]

#: Source: xen, tools/libs/util/libxlu_cfg_l.l.
_TOKEN = re.compile(
    r"(?P<blank>[ \t]+)|(?P<comment>#[^\n]*)|(?P<newline>\n)|(?P<name>[a-z][a-z0-9_]*)|(?P<number>[0-9][0-9a-fx]*)"
    r"""|(?P<text>"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*')|(?P<mark>\+=|[\[\]=;,])""",
    re.ASCII,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
#: xlu__cfgl_dequote() knows \x and octal ones too, but reads neither right.
_ESCAPED = {
    '"':  '"',
    "'":  "'",
    "\\": "\\",
    "a":  "\a",
    "b":  "\b",
    "f":  "\f",
    "n":  "\n",
    "r":  "\r",
    "t":  "\t",
    "v":  "\v",
}  # fmt: skip
_PYTHON_WORDS = """
    and as assert break class continue def del elif else except exec finally for from global if import in is lambda
    not or pass print raise return try while with yield
"""
_PYTHON_MARKS = frozenset("+-*/%.():{}<>!@\\|&~")
_ADVICE = "xl does not run it; write every value out, as in name = 'value'"


class Assignment(NamedTuple):
    """A setting `name = value`, or `name += value` where it adds to what stands before; its line."""

    name: str
    adds: bool
    value: Value
    line: int


class _Token(NamedTuple):
    """A kind of the pattern's, `mark` for punctuation, `end` at the end; its text and place."""

    kind: str
    text: str
    line: int
    column: int
    start: int


def parse_assignments(text: str, *, source: str) -> list[Assignment]:
    """The settings of a text of up to 256 KiB, at most 2000, with lists up to 8 deep, in order.

    Raises InvalidInput, with line and column, where xl finds an error in the syntax. No message repeats a value:
    it may be a password.

    Source: xen, tools/libs/util/libxlu_cfg_y.y.
    """
    parser = _Parser("\n".join(lines_of(text, source, BOUNDS)), source)
    return list(parser.assignments())


class _Parser:
    """A parser that looks one token ahead."""

    def __init__(self, text: str, source: str) -> None:
        self.text = text
        self.source = source
        self.tokens = self._tokens()
        self.token = next(self.tokens)

    def _tokens(self) -> Iterator[_Token]:
        """Every token but blanks and comments; those of the end without end."""
        position, line, line_start = 0, 1, 0
        while position < len(self.text):
            match = _TOKEN.match(self.text, position)
            column = position - line_start + 1
            if match is None:
                raise self._stranger(line, column, self.text[position])
            kind = str(match.lastgroup)
            if kind not in ("blank", "comment"):
                yield _Token(kind, match[0], line, column, position)
            position = match.end()
            if kind == "newline":
                line, line_start = line + 1, position
        while True:
            yield _Token("end", "", line, position - line_start + 1, position)

    def _stranger(self, line: int, column: int, character: str) -> InvalidInput:
        if character in "\"'":
            return self._fault("syntax", "a quote that is not closed on its line", line, column)
        if character in _PYTHON_MARKS:
            return self._fault("python", f"looks like Python code: {_ADVICE}", line, column)
        message = "a character that no setting begins with; names are of a-z, 0-9 and _, and text needs quotes"
        return self._fault("syntax", message, line, column)

    def _fault(self, code: str, message: str, line: int, column: int) -> InvalidInput:
        return refusal(self.source, code, message, line=line, column=column)

    def fault(self, message: str) -> InvalidInput:
        """An InvalidInput at the next token: of Python where the token shows it, else of the syntax."""
        token = self.token
        if token.kind == "name" and token.text in _PYTHON_WORDS.split():
            return self._fault("python", f"`{token.text}` is Python code: {_ADVICE}", token.line, token.column)
        behind = self.text[token.start + len(token.text) :][:1] if token.kind == "name" else ""
        if behind and behind in "(.[+":
            return self._fault("python", f"looks like Python code: {_ADVICE}", token.line, token.column)
        return self._fault("syntax", message, token.line, token.column)

    def advance(self) -> _Token:
        """Take the next token."""
        token, self.token = self.token, next(self.tokens)
        return token

    def is_at(self, *marks: str) -> bool:
        """Whether the next token is one of some punctuation marks."""
        return self.token.kind == "mark" and self.token.text in marks

    def skip_newlines(self) -> None:
        """Go past ends of lines, which mean nothing in a list."""
        while self.token.kind == "newline":
            self.advance()

    def assignments(self) -> Iterator[Assignment]:
        """Every setting in order."""
        count = 0
        while self.token.kind != "end":
            if self.token.kind == "newline" or self.is_at(";"):
                self.advance()
                continue
            count += 1
            if count > SETTINGS_LIMIT:
                raise self._fault("too_many", f"more than {SETTINGS_LIMIT} settings", self.token.line, 1)
            yield self.assignment()

    def assignment(self) -> Assignment:
        """One setting and what ends it."""
        if self.token.kind != "name":
            raise self.fault("a setting is wanted, as in name = 'value'")
        name = self.token
        if name.text in _PYTHON_WORDS.split():
            raise self.fault("")
        self.advance()
        if not self.is_at("=", "+="):
            raise self.fault("`=` is wanted behind the name of a setting")
        adds = self.advance().text == "+="
        value = self.value(1)
        if not (self.token.kind in ("newline", "end") or self.is_at(";")):
            raise self.fault("a new line or `;` is wanted behind a value; text needs quotes")
        return Assignment(name.text, adds, value, name.line)

    def value(self, depth: int) -> Value:
        """A text, or a list that lies that deep."""
        if self.is_at("["):
            return self.items(depth)
        if self.token.kind == "number":
            return self.advance().text
        if self.token.kind != "text":
            raise self.fault("a value is wanted: a number, text in quotes, or a list in [ ]")
        token = self.token
        text = self.dequoted(token)
        self.advance()
        return text

    def dequoted(self, token: _Token) -> str:
        """What a text in quotes says."""

        def plain(match: re.Match[str]) -> str:
            if match[1] not in _ESCAPED:
                message = "an escape that xl does not read: a backslash wants a quote, a backslash or one of abfnrtv"
                raise self._fault("syntax", message, token.line, token.column + 1 + match.start())
            return _ESCAPED[match[1]]

        return _ESCAPE.sub(plain, token.text[1:-1])

    def items(self, depth: int) -> Value:
        """A list; a comma may stand before its end."""
        begin = self.advance()
        if depth > DEPTH_LIMIT:
            raise self._fault("too_deep", f"lists lie more than {DEPTH_LIMIT} deep", begin.line, begin.column)
        found: list[Value] = []
        self.skip_newlines()
        while not self.is_at("]"):
            if self.token.kind == "end":
                raise self._fault("syntax", "a list that is not closed: `]` is missing", begin.line, begin.column)
            found.append(self.value(depth + 1))
            self.skip_newlines()
            if self.is_at(","):
                self.advance()
                self.skip_newlines()
            elif self.token.kind != "end" and not self.is_at("]"):
                raise self.fault("`,` or `]` is wanted behind a value in a list")
        self.advance()
        return found
