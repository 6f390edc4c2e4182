"""What one state of Xen's source makes of its PAT: the layout, the page flags, and what C makes of odd definitions."""

from collections.abc import Collection
from typing import NamedTuple

from simulator.inputs.c_constant import Expression, NotConstant, Term
from simulator.inputs.reading import Reading
from simulator.inputs.xen_definitions import CACHE_BITS, FLAGS, PTE, VALUE_MACRO, Definition, Definitions, World
from simulator.pat import ENTRY_COUNT, InvalidPatLayout, PatLayout

_BYTE = 8


class Value(NamedTuple):
    """The layout that a definition states."""

    definition: Definition
    layout: PatLayout


class Variant(NamedTuple):
    """One way to compile the source: its conditions in words, its values, and the PAT index of each flag it defines."""

    title: str
    values: tuple[Value, ...]
    flags: dict[str, int]
    flags_line: int | None

    def is_like(self, other: "Variant") -> bool:
        """Whether both come to the same."""
        return (self.values, self.flags) == (other.values, other.flags)


def variants_of(reading: Reading, defined: Definitions) -> list[Variant]:
    """The ways to compile a source that differ; those without a value only if none has one.

    Raises InvalidInput, naming entry and line, for a value that cannot be told.
    """
    found = [_variant(reading, world) for world in defined.worlds()]
    if len(found) > 1:
        for one in found:
            shown = ", ".join(value.layout.hex for value in one.values) or "no value of the PAT is shown"
            line = one.values[-1].definition.line if one.values else one.flags_line
            reading.note(f"where {one.title}: {shown}", line)
    kept: list[Variant] = []
    for one in [one for one in found if one.values] or found:
        if not any(one.is_like(other) for other in kept):
            kept.append(one)
    return kept


def _variant(reading: Reading, world: World) -> Variant:
    held = world.held(world.definitions.layouts)
    values = tuple(Value(definition, _layout(reading, world, definition)) for definition in held)
    if len({value.layout for value in values}) > 1:
        lines = ", ".join(str(definition.line) for definition in held)
        note_once(reading, f"the value is defined several times and differently, on lines {lines}", held[-1].line)
    return Variant(world.title, values, *_flags(reading, world))


def _layout(reading: Reading, world: World, definition: Definition) -> PatLayout:
    try:
        expression = world.value(definition)
    except NotConstant as fault:
        message = f"the value of {definition.name} cannot be computed: {fault}"
        raise reading.refusal("pat_definition", message, line=fault.line or definition.line) from fault
    try:
        layout = PatLayout.from_msr(expression.value)
    except InvalidPatLayout as fault:
        raise reading.refusal("layout", str(fault), line=_line_of_fault(expression, definition)) from fault
    _note_oddities(reading, expression, definition)
    named = sorted(name for name, is_met in definition.conditions if is_met and name.startswith("CONFIG_"))
    if named:
        note_once(reading, f"{definition.name} has this value only where {', '.join(named)} is set", definition.line)
    return layout


def _line_of_fault(expression: Expression, definition: Definition) -> int:
    """The line of the first entry that is wrong."""
    encodings = expression.value.to_bytes(ENTRY_COUNT, "little")
    for index, encoding in enumerate(encodings):
        terms = [term for term in expression.terms if (term.shift or 0) // _BYTE == index]
        if terms and not _is_type(encoding):
            return terms[-1].line
    return definition.line


def _is_type(encoding: int) -> bool:
    try:
        PatLayout.from_msr(encoding)
    except InvalidPatLayout:
        return False
    return True


def _note_oddities(reading: Reading, expression: Expression, definition: Definition) -> None:
    """Notes on a definition by entries: some missing, some twice, some shifted oddly."""
    entries: dict[int, list[Term]] = {}
    for term in expression.terms:
        if term.shift is not None or term.value:
            entries.setdefault((term.shift or 0) // _BYTE, []).append(term)
        if term.shift is not None and term.shift % _BYTE:
            note_once(reading, f"a shift by {term.shift:#x} begins within an entry: it is no multiple of 8", term.line)
        if term.is_narrow:
            message = f"a shift by {term.shift:#x} of what may be an int, which C leaves undefined; use _AC(..., ULL)"
            note_once(reading, message, term.line)
    if all(term.shift is None for term in expression.terms):
        return
    missing = ", ".join(f"PA{index}" for index in range(ENTRY_COUNT) if index not in entries)
    if missing:
        note_once(reading, f"{definition.name} says nothing of {missing}: C makes that 0, UC", definition.line)
    for index, terms in sorted(entries.items()):
        if len(terms) > 1:
            given = " | ".join(f"{term.value >> index * _BYTE:#04x}" for term in terms)
            note_once(reading, f"PA{index} is defined {len(terms)} times: C makes it {given}", terms[-1].line)


def note_once(reading: Reading, message: str, line: int | None) -> None:
    """A note that is kept once, in however many variants it is due."""
    if all((note["message"], note["line"]) != (message, line) for note in reading.notes):
        reading.note(message, line)


def _flags(reading: Reading, world: World) -> tuple[dict[str, int], int | None]:
    """The PAT index of each flag, and their first line. What is no constant or has other bits is left out."""
    indices: dict[str, int] = {}
    lines: list[int] = []
    for name in FLAGS:
        held = world.held(world.definitions.macros.get(name, ()))
        index = _index(reading, world, held) if held else None
        if index is not None:
            indices[name] = index
            lines.append(held[-1].line)
    return indices, min(lines, default=None)


def _index(reading: Reading, world: World, held: list[Definition]) -> int | None:
    """The PAT index that the last of some definitions of a flag has; None if it has none."""
    last = held[-1]
    if held[0].words != last.words:
        note_once(reading, f"{last.name} is defined again (first on line {held[0].line}); this one counts", last.line)
    try:
        value = world.value(last).value
    except NotConstant as fault:
        note_once(reading, f"{last.name} is left out: {fault}", fault.line or last.line)
        return None
    if value & ~CACHE_BITS:
        note_once(reading, f"{last.name} is left out: {value:#x} has bits that choose no memory type", last.line)
        return None
    return PTE.index_of(value)


def say_variant(reading: Reading, variant: Variant, removed: Collection[str]) -> None:
    """Say the values and flags of a variant and whether they agree; flags that it does not define are upstream's."""
    for definition, layout in variant.values:
        reading.say("layout", layout.hex, line=definition.line)
    if variant.flags:
        reading.say("page_flags", variant.flags, line=variant.flags_line)
    if variant.values and (variant.flags or variant.values[-1].definition.name == VALUE_MACRO):
        definition, layout = variant.values[-1]
        wrong = _wrong_flags(layout, variant.flags, removed)
        reading.say("flags_agree", {"agree": not wrong, "wrong": wrong}, line=definition.line)


def _wrong_flags(layout: PatLayout, flags: dict[str, int], removed: Collection[str]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for name, (named, own) in FLAGS.items():
        index = flags.get(name, own)
        selected = layout.entries[index]
        if selected is not named and name not in removed:
            found.append({"flag": name, "index": index, "named": named.word, "selects": selected.word})
    return found
