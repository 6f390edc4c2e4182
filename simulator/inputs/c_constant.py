"""Constants of C source: expressions of numbers and names, computed exactly as C does."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from simulator.inputs.c_source import Line

TOKENS_LIMIT = 400  # of one expression
DEPTH_LIMIT = 32  # parentheses within parentheses
TERMS_LIMIT = 64
_BITS = 64
_INT_BITS = 32
_DIGITS_LIMIT = 18  # of a decimal or octal number


class Token(NamedTuple):
    """A word of C: `kind` is number, name or sign."""

    kind: str
    text: str
    line: int


_TOKEN = re.compile(r"[ \t\r\f\v]+|([0-9][0-9A-Za-z_]*)|([A-Za-z_]\w*)|(<<|&&|.)", re.ASCII | re.DOTALL)


class NotConstant(ValueError):
    """An expression that has no value that can be told; `line` is where."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def tokens_of(parts: Iterable[Line]) -> list[Token]:
    """The tokens of some lines. Raises NotConstant for more than an expression of constants has."""
    found: list[Token] = []
    for number, text in parts:
        for match in _TOKEN.finditer(text):
            if match.lastindex:
                found.append(Token(("number", "name", "sign")[match.lastindex - 1], match[0], number))
            if len(found) > TOKENS_LIMIT:
                raise NotConstant(f"more than {TOKENS_LIMIT} words", number)
    return found


class Term(NamedTuple):
    """One of the parts that are ORed: its value, by how many bits it was shifted, and where it is.

    `is_narrow` where it was shifted out of an int, which C leaves undefined.
    """

    value: int
    shift: int | None
    line: int
    is_narrow: bool = False


class Expression(NamedTuple):
    """An expression of constants: its terms, and whether its type has 64 bits."""

    terms: tuple[Term, ...]
    is_wide: bool

    @property
    def value(self) -> int:
        """Its value, as C computes it in 64 bits."""
        value = 0
        for term in self.terms:
            value |= term.value
        return value


#: What a name stands for; None if that is not known.
Names = Callable[[str], Expression | None]

_WIDE_TYPES = frozenset({"long", "u64", "uint64_t"})
_TYPES = _WIDE_TYPES | {"unsigned", "int", "u8", "uint8_t", "u16", "uint16_t", "u32", "uint32_t"}
_NUMBER = re.compile(r"(?:0[xX]([0-9a-fA-F]+)|([0-9]+))([uUlL]{0,3})", re.ASCII)


def shown(text: str) -> str:
    """The beginning of a token as a message repeats it: what no line can show is escaped."""
    return ascii(text[:20])[1:-1] if not text[:20].isprintable() else text[:20]


def evaluate(tokens: Sequence[Token], names: Names, *, line: int, is_whole: bool = True) -> Expression:
    """The value of an expression of numbers, known names, `<<`, `|`, parentheses, casts and `_AC(x, ULL)`.

    Raises NotConstant for anything else, naming the line; after the expression only if it has to be the whole.
    """
    parser = _Parser(tokens, names, line)
    found = parser.either(0)
    if is_whole and parser.at < len(tokens):
        raise parser.fault(f"`{shown(parser.peek())}` is not understood in a constant")
    return found


class _Parser:
    """Recursive descent over the precedence of C: `|` binds less than `<<`."""

    def __init__(self, tokens: Sequence[Token], names: Names, line: int) -> None:
        self.tokens, self.names, self.line = tokens, names, line
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at].text if self.at < len(self.tokens) else ""

    def fault(self, message: str) -> NotConstant:
        at = min(self.at, len(self.tokens) - 1)
        return NotConstant(message, self.tokens[at].line if self.tokens else self.line)

    def expect(self, sign: str) -> None:
        if self.peek() != sign:
            raise self.fault(f"`{sign}` is missing")
        self.at += 1

    def either(self, depth: int) -> Expression:
        left = self.shifted(depth)
        while self.peek() == "|":
            self.at += 1
            right = self.shifted(depth)
            left = Expression(left.terms + right.terms, left.is_wide or right.is_wide)
            if len(left.terms) > TERMS_LIMIT:
                raise self.fault(f"more than {TERMS_LIMIT} terms")
        return left

    def shifted(self, depth: int) -> Expression:
        left = self.operand(depth)
        while self.peek() == "<<":
            self.at += 1
            by = self.operand(depth).value
            if by >= _BITS:
                raise self.fault(f"a shift by {by:#x} is past {_BITS} bits")
            left = _shift(left, by)
        return left

    def operand(self, depth: int) -> Expression:
        if self.at >= len(self.tokens):
            raise self.fault("an operand is missing")
        if depth > DEPTH_LIMIT:
            raise self.fault(f"more than {DEPTH_LIMIT} parentheses within each other")
        kind, text, line = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return _number(text, line)
        if text in ("_AC", "UINT64_C") and self.peek() == "(":
            return self.typed(text, depth)
        if kind == "name":
            return self.named(text, line)
        if text != "(":
            self.at -= 1
            raise self.fault(f"`{shown(text)}` is not understood in a constant")
        if self.peek() in _TYPES:
            return self.cast(depth)
        found = self.either(depth + 1)
        self.expect(")")
        return found

    def named(self, name: str, line: int) -> Expression:
        found = self.names(name)
        if found is None:
            raise NotConstant(f"`{name[:40]}` is no constant that is known", line)
        return found._replace(terms=tuple(term._replace(line=line) for term in found.terms))

    def typed(self, macro: str, depth: int) -> Expression:
        self.expect("(")
        found = self.either(depth + 1)
        is_wide = macro == "UINT64_C"
        if not is_wide:
            self.expect(",")
            is_wide = "L" in self.peek().upper()
            self.at += 1
        self.expect(")")
        return found._replace(is_wide=is_wide)

    def cast(self, depth: int) -> Expression:
        words = set()
        while self.peek() in _TYPES:
            words.add(self.peek())
            self.at += 1
        self.expect(")")
        return self.operand(depth + 1)._replace(is_wide=bool(words & _WIDE_TYPES))


def _number(text: str, line: int) -> Expression:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise NotConstant(f"`{text[:40]}` is no number", line)
    digits = (match[1] or match[2]).lstrip("0")
    if len(digits) > (_BITS // 4 if match[1] else _DIGITS_LIMIT):
        raise NotConstant(f"a number of {len(digits)} digits does not fit in {_BITS} bits", line)
    is_octal = match[1] is None and match[2].startswith("0")
    if is_octal and set(digits) & {"8", "9"}:
        raise NotConstant(f"`{text[:40]}` is no number", line)
    value = int(digits or "0", 16 if match[1] else 8 if is_octal else 10)
    return Expression((Term(value, None, line),), "L" in match[3].upper() or value >> _INT_BITS > 0)


def _shift(left: Expression, by: int) -> Expression:
    """Shifts every term. What leaves 64 bits is lost, as in C."""
    is_narrow = not left.is_wide and by >= _INT_BITS
    terms = tuple(
        Term(
            term.value << by & (1 << _BITS) - 1, by if term.shift is None else term.shift + by, term.line,
            term.is_narrow or is_narrow,
        )
        for term in left.terms
    )  # fmt: skip
    return left._replace(terms=terms)
