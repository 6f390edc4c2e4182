"""What Xen's source defines of its PAT: the value of the register, the page flags, and assertions on the value."""

import re
from collections.abc import Iterable, Sequence
from itertools import product
from typing import NamedTuple

from simulator.hypervisor import PAGE_FLAGS
from simulator.inputs.c_constant import Expression, NotConstant, Term, evaluate, tokens_of
from simulator.inputs.c_source import Condition, Line, LogicalLine, is_dead, logical_lines, may_meet, statement
from simulator.pat import LEAVES

LAYOUTS_LIMIT = 16  # definitions of the value in one text
ASSERTIONS_LIMIT = 100  # on the value
DECIDING_LIMIT = 3  # conditions that choose between definitions
MACRO_DEPTH_LIMIT = 16

#: Each flag with the type that it is named after and the PAT index of upstream's definition.
FLAGS = {name: (named, bits.pat_index) for name, named, bits in PAGE_FLAGS}
PTE = LEAVES[0]
_PAGE_BITS = {"_PAGE_PWT": 1 << 3, "_PAGE_PCD": 1 << 4, "_PAGE_PAT": 1 << 7}
CACHE_BITS = sum(_PAGE_BITS.values())

#: The names of encodings: X86_MT_* since 4.18, PAT_TYPE_* and MTRR_TYPE_* before, MSR_PAT_* in patches of 2022.
#: Source: xen, asm/x86-defns.h and asm-x86/mtrr.h. Other names a text has to define itself.
_ENCODINGS = (
    (0, "X86_MT_UC", "MSR_PAT_UC", "PAT_TYPE_UNCACHABLE", "MTRR_TYPE_UNCACHABLE"),
    (1, "X86_MT_WC", "MSR_PAT_WC", "PAT_TYPE_WRCOMB", "MTRR_TYPE_WRCOMB"),
    (2, "X86_MT_RSVD_2", "MSR_PAT_RESERVED_1", "X86_MT_RESERVED_1"),
    (3, "X86_MT_RSVD_3", "MSR_PAT_RESERVED_2", "X86_MT_RESERVED_2"),
    (4, "X86_MT_WT", "MSR_PAT_WT", "PAT_TYPE_WRTHROUGH", "MTRR_TYPE_WRTHROUGH"),
    (5, "X86_MT_WP", "MSR_PAT_WP", "PAT_TYPE_WRPROT", "MTRR_TYPE_WRPROT"),
    (6, "X86_MT_WB", "MSR_PAT_WB", "PAT_TYPE_WRBACK", "MTRR_TYPE_WRBACK"),
    (7, "X86_MT_UCM", "MSR_PAT_UCM", "PAT_TYPE_UC_MINUS"),
)
_KNOWN = {name: value for value, *names in _ENCODINGS for name in names} | _PAGE_BITS

VALUE_MACRO = "XEN_MSR_PAT"
_DEFINE = re.compile(r"[ \t]*#[ \t]*define[ \t]+(\w+)(?![\w(])", re.ASCII)
_HOST_PAT = re.compile(
    r"[ \t]*(?:static[ \t]+)?(?:u64|uint64_t|unsigned long long|unsigned long)[ \t]+(?:__\w+[ \t]+)*host_pat[ \t]*"
    r"(?:__\w+[ \t]*)?=(?!=)",
    re.ASCII,
)
_STOPS = r"(?:BUILD_BUG_ON|[Ss]tatic_assert)[ \t]*\("
_ASSERTION = re.compile(
    rf"{_STOPS}[ \t]*{VALUE_MACRO}[ \t]*[!=]=|{_STOPS}(?=[^;\n]{{0,200}}\b{VALUE_MACRO}\b)", re.ASCII
)


class Definition(NamedTuple):
    """What a name is defined as: the lines of its expression, and under which conditions.

    `is_cut` where the definition goes on past what is shown.
    """

    name: str
    parts: tuple[Line, ...]
    line: int
    conditions: frozenset[Condition]
    is_cut: bool

    @property
    def words(self) -> list[str]:
        """Its expression word by word, to compare."""
        return " ".join(part.text for part in self.parts).split()


class TooManyDefinitions(ValueError):
    """More definitions of the value, or assertions on it, than a text of Xen can have.

    `line` is that of the first one too many.
    """

    def __init__(self, what: str, line: int) -> None:
        super().__init__(what)
        self.line = line


class Definitions:
    """What one state of the source defines: the value, assertions on it, and all macros without arguments."""

    def __init__(self) -> None:
        self.layouts: list[Definition] = []
        self.assertions: list[Definition] = []
        self.macros: dict[str, list[Definition]] = {}

    @classmethod
    def of(cls, files: Iterable[Iterable[Sequence[Line]]]) -> "Definitions":
        """The definitions in the parts of some files that are shown. Raises TooManyDefinitions."""
        found = cls()
        for fragments in files:
            lines = logical_lines(fragments)
            for at, line in enumerate(lines):
                found._take(lines, at, line)
        return found

    def _take(self, lines: Sequence[LogicalLine], at: int, line: LogicalLine) -> None:
        text = line.text
        if "define" in text and (match := _DEFINE.match(text)):
            self._define(match[1], _rest(line, match.end()), line)
        elif "host_pat" in text and (match := _HOST_PAT.match(text)):
            self._define("host_pat", tuple(statement(lines, at, match.end())), line)
        elif VALUE_MACRO in text and (match := _ASSERTION.search(text)) and not is_dead(line.conditions):
            if len(self.assertions) == ASSERTIONS_LIMIT:
                raise TooManyDefinitions(f"more than {ASSERTIONS_LIMIT} assertions on {VALUE_MACRO}", line.line)
            parts = tuple(statement(lines, at, match.end()))
            self.assertions.append(Definition("assertion", parts, line.line, line.conditions, is_cut=False))

    def _define(self, name: str, parts: tuple[Line, ...], line: LogicalLine) -> None:
        if is_dead(line.conditions):
            return
        definition = Definition(name, parts, line.line, line.conditions, line.is_cut)
        self.macros.setdefault(name, []).append(definition)
        if name in (VALUE_MACRO, "host_pat"):
            self.layouts.append(definition)
            if len(self.layouts) > LAYOUTS_LIMIT:
                what = f"more than {LAYOUTS_LIMIT} definitions of {VALUE_MACRO} and host_pat"
                raise TooManyDefinitions(what, line.line)

    @property
    def says_something(self) -> bool:
        """Whether anything of the PAT is shown."""
        return bool(self.layouts or self.assertions or self.flags)

    @property
    def flags(self) -> list[Definition]:
        """The definitions of page flags, in the order of Xen's list."""
        return [definition for name in FLAGS for definition in self.macros.get(name, ())]

    def worlds(self) -> list["World"]:
        """The ways to compile it that differ in the value or in the flags: by conditions that choose between them."""
        conditions = {condition for one in (*self.layouts, *self.flags) for condition in one.conditions}
        deciding = sorted(name for name, is_met in conditions if is_met and (name, False) in conditions)
        choices = product((True, False), repeat=min(len(deciding), DECIDING_LIMIT))
        return [World(self, frozenset(zip(deciding, choice, strict=False))) for choice in choices]


def _rest(line: LogicalLine, start: int) -> tuple[Line, ...]:
    """A logical line from a place in its text on, by its lines."""
    first = line.parts[0]
    if start <= len(first.text):
        return (Line(first.number, first.text[start:]), *line.parts[1:])
    return (Line(first.number, line.text[start:]),)


class World:
    """The definitions that hold together where some conditions are met and others not."""

    def __init__(self, definitions: Definitions, conditions: frozenset[Condition]) -> None:
        self.definitions, self.conditions = definitions, conditions
        self.known: dict[str, Expression | NotConstant | None] = {}
        self.depth = 0

    @property
    def title(self) -> str:
        """The conditions in words; empty where nothing is decided."""
        return " and ".join(f"{name}{'' if is_met else ' is not met'}" for name, is_met in sorted(self.conditions))

    def held(self, definitions: Iterable[Definition]) -> list[Definition]:
        """The definitions that may hold here."""
        return [one for one in definitions if may_meet(one.conditions, self.conditions)]

    def names(self, name: str) -> Expression | None:
        """What a name stands for: as the text defines it, else as Xen does. Raises NotConstant."""
        if name not in self.known:
            self.known[name] = NotConstant(f"`{name[:40]}` is defined by itself", 0)
            self.known[name] = self._meaning(name)
        meaning = self.known[name]
        if isinstance(meaning, NotConstant):
            raise meaning
        return meaning

    def _meaning(self, name: str) -> Expression | NotConstant | None:
        defined = self.held(self.definitions.macros.get(name, ()))
        if not defined:
            return Expression((Term(_KNOWN[name], None, 0),), is_wide=False) if name in _KNOWN else None
        if self.depth >= MACRO_DEPTH_LIMIT:
            return NotConstant(f"more than {MACRO_DEPTH_LIMIT} names that stand for names", defined[-1].line)
        self.depth += 1
        try:
            return self.value(defined[-1])
        except NotConstant as fault:
            return fault
        finally:
            self.depth -= 1

    def value(self, definition: Definition, *, is_whole: bool = True) -> Expression:
        """What a definition computes to. Raises NotConstant."""
        return evaluate(tokens_of(definition.parts), self.names, line=definition.line, is_whole=is_whole)
