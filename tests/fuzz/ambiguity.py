"""Whether a regular expression may take more than linear time: what its automaton can read in many ways.

A backtracking matcher that fails tries every way to read a text. Their number grows with the text exactly where a
loop meets itself on one word, or where two loops in a row read the same word. Both are looked for in the products of
the position automaton with itself, so that every finding comes with a word to pump.

Source: Weber and Seidl, "On the degree of ambiguity of finite automata", 1991, criteria EDA and IDA.
"""

import re
import string
from collections import Counter, deque
from collections.abc import Callable, Iterable
from functools import cache
from re import _compiler, _parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

_CHARACTERS = [*map(chr, range(256)), "\u2028", "\u2212", "\u4e00", "\ufeff", "\ud800"]
#: A repeat of more than this is taken for one without end, a shorter one for a few copies.
_ENDLESS = 400
_COPIES = 2

Set = frozenset[str]
Edges = Counter[tuple[int, int]]
Place = tuple[int, ...]
Steps = Callable[[Place], list[tuple[str, Place]]]


class Part(NamedTuple):
    """A part of a pattern: whether it may be empty, where it begins and ends, and what may follow what, how often."""

    nullable: bool
    first: Counter[int]
    last: Counter[int]
    follow: Edges


class Ambiguity(NamedTuple):
    """A way to slow a pattern down: exponential or polynomial, and a word that is read in several ways."""

    kind: str
    word: str


def ambiguities(pattern: re.Pattern[Any], *, is_searched: bool) -> list[Ambiguity]:
    """What makes a pattern's time grow faster than its text; searched is as good as begun by a loop over anything."""
    automaton = _Automaton(pattern, is_searched)
    found = automaton.exponential()
    return [Ambiguity("exponential", found)] if found is not None else automaton.polynomial()


class _Automaton:
    """The position automaton of a pattern: a state for each character that it asks for."""

    def __init__(self, pattern: re.Pattern[Any], is_searched: bool) -> None:
        self.sets: list[Set] = []
        text, flags = pattern.pattern, pattern.flags
        self.flags = flags
        tree = _parser.parse(text, flags & ~re.UNICODE if isinstance(text, str) and flags & re.ASCII else flags)
        whole = self._sequence(tree)
        if is_searched:
            anything = self._state(frozenset(_CHARACTERS))
            loop = Part(True, Counter({anything: 1}), Counter({anything: 1}), Counter({(anything, anything): 1}))
            whole = _then(loop, whole)
        self.follow = whole.follow
        self.next: dict[int, set[int]] = {}
        for one, other in whole.follow:
            self.next.setdefault(one, set()).add(other)
        self.letters = _letters(self.sets)
        self.loops = _loops(self.next)

    def _state(self, characters: Set) -> int:
        self.sets.append(characters)
        return len(self.sets) - 1

    def _sequence(self, nodes: Iterable[Any]) -> Part:
        whole = _EMPTY
        for node in nodes:
            whole = _then(whole, self._part(node))
        return whole

    def _part(self, node: Any) -> Part:
        """The part of a node; a look around is a way that goes no further."""
        kind, value = str(node[0]), node[1]
        if kind == "AT":
            return _EMPTY
        if kind in ("ASSERT", "ASSERT_NOT"):
            return self._sequence(value[1])._replace(nullable=True, last=Counter())
        if kind == "SUBPATTERN":
            return self._sequence(value[-1])
        if kind == "BRANCH":
            return _either([self._sequence(branch) for branch in value[1]])
        if kind == "GROUPREF_EXISTS":
            return _either([self._sequence(value[1]), self._sequence(value[2] or [])])
        if kind in ("MAX_REPEAT", "MIN_REPEAT"):
            return self._repeated(*value)
        assert kind in ("LITERAL", "NOT_LITERAL", "ANY", "IN"), f"{kind} is not known here"
        state = self._state(_characters_of(kind, repr(value), value, self.flags))
        return Part(False, Counter({state: 1}), Counter({state: 1}), Counter())

    def _repeated(self, least: int, most: int, body: Any) -> Part:
        whole, is_endless = _EMPTY, int(most) > _ENDLESS
        for _ in range(min(least, _COPIES) - is_endless):
            whole = _then(whole, self._sequence(body))
        if not is_endless:
            for _ in range(min(int(most) - least, _COPIES)):
                whole = _then(whole, self._sequence(body)._replace(nullable=True))
            return whole
        once = self._sequence(body)
        again: Edges = Counter({(one, other): n * m for one, n in once.last.items() for other, m in once.first.items()})
        loop = once._replace(nullable=once.nullable or least == 0, follow=once.follow + again)
        return _then(whole, loop)

    def exponential(self) -> str | None:
        """A word that leads from a state back to it in two ways, by two edges or by two paths."""
        for (one, other), ways in self.follow.items():
            if ways > 1 and self.loops.get(one) is self.loops.get(other) is not None:
                return min(self.sets[other])
        for start in self.loops:
            twice = self._steps((self.loops[start],) * 2)
            found = _path((start, start), (start, start), twice, passing=lambda at: at[0] != at[1])
            if found is not None:
                return found
        return None

    def polynomial(self) -> list[Ambiguity]:
        """For two loops, a word that both read, and that also leads from the one to the other."""
        found = []
        for first in self.loops:
            beyond = _reached(first, self.next)
            for second in self.loops:
                if second in beyond and self.loops[first] is not self.loops[second]:
                    thrice = self._steps((self.loops[first], beyond, self.loops[second]))
                    word = _path((first, first, second), (first, second, second), thrice)
                    if word is not None:
                        found.append(Ambiguity("polynomial", word))
        return found

    def _steps(self, within: tuple[Iterable[int], ...]) -> Steps:
        """The steps of several copies of the automaton on the same character, each within some states."""

        @cache
        def steps(at: Place) -> list[tuple[str, Place]]:
            found = []
            for letter in self.letters:
                choices = [
                    [other for other in self.next.get(state, ()) if other in allowed and letter in self.sets[other]]
                    for state, allowed in zip(at, within, strict=True)
                ]
                found += [(letter, whole) for whole in _product(choices)]
            return found

        return steps


_EMPTY = Part(True, Counter(), Counter(), Counter())


def _then(one: Part, other: Part) -> Part:
    links: Edges = Counter({(a, b): n * m for a, n in one.last.items() for b, m in other.first.items()})
    return Part(
        one.nullable and other.nullable,
        one.first + other.first if one.nullable else one.first,
        other.last + one.last if other.nullable else other.last,
        one.follow + other.follow + links,
    )


def _either(parts: list[Part]) -> Part:
    return Part(
        any(part.nullable for part in parts),
        sum((part.first for part in parts), Counter()),
        sum((part.last for part in parts), Counter()),
        sum((part.follow for part in parts), Counter()),
    )


_known: dict[tuple[str, str, int], Set] = {}


def _characters_of(kind: str, text: str, value: Any, flags: int) -> Set:
    """The characters that one item of a pattern takes, by asking the matcher itself."""
    if (kind, text, flags) not in _known:
        state = _parser.State()
        state.flags = flags
        item = _parser.SubPattern(state, [(getattr(_parser, kind), value)])
        one = _compiler.compile(item, flags)
        is_text = bool(flags & re.UNICODE) or bool(flags & re.ASCII)
        taken = [char for char in _CHARACTERS if one.fullmatch(char if is_text else char.encode("latin-1", "replace"))]
        _known[kind, text, flags] = frozenset(taken)
    return _known[kind, text, flags]


def _letters(sets: list[Set]) -> list[str]:
    """One character of each kind that the sets tell apart; letters and digits rather than others."""
    distinct = [*dict.fromkeys(sets)]
    order = sorted(_CHARACTERS, key=lambda char: (char not in string.ascii_letters + string.digits + " ", char))
    by_kind: dict[tuple[bool, ...], str] = {}
    for char in order:
        by_kind.setdefault(tuple(char in one for one in distinct), char)
    return [char for kind, char in by_kind.items() if any(kind)]


def _reached(start: int, following: dict[int, set[int]]) -> set[int]:
    """The states that a state leads to; itself only by a loop."""
    seen: set[int] = set()
    waiting = [start]
    while waiting:
        for other in following.get(waiting.pop(), ()):
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return seen


def _loops(following: dict[int, set[int]]) -> dict[int, frozenset[int]]:
    """The states that lead back to themselves, each with all that it loops with; the same object for the same loop."""
    reached = {state: _reached(state, following) for state in following}
    inside = [state for state in following if state in reached[state]]
    loops: dict[int, frozenset[int]] = {}
    for state in inside:
        if state not in loops:
            together = frozenset(other for other in reached[state] if state in reached.get(other, ()))
            loops |= dict.fromkeys(together, together)
    return loops


def _product(choices: list[list[int]]) -> list[Place]:
    whole: list[Place] = [()]
    for some in choices:
        whole = [(*one, other) for one in whole for other in some]
    return whole


def _path(
    start: Place,
    end: Place,
    steps: Steps,
    passing: Callable[[Place], bool] | None = None,
) -> str | None:
    """The shortest word, of one character at least, from start to end, which passes a place of some kind."""
    begin = start, passing is None
    words, waiting = {begin: ""}, deque([begin])
    while waiting:
        node = waiting.popleft()
        at, has_passed = node
        for letter, other in steps(at):
            reached = other, has_passed or (passing is not None and passing(other))
            if other == end and reached[1]:
                return words[node] + letter
            if reached not in words:
                words[reached] = words[node] + letter
                waiting.append(reached)
    return None
