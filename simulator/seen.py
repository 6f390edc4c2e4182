"""What only evidence tells of a guest: images, refused mappings, what a boot log says of PAT, what disagrees."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from simulator.inputs.command_line import says_nopat
from simulator.inputs.record import Record
from simulator.statement import LIST_LIMIT, SEEN_KEYS, read_needs

_FACT_KEYS = ("value", "origin", "lines", "release", "also", "origins")
_ORIGIN_KEYS = ("kind", "by", "source", "line", "offset")
_ALSO_LIMIT = 20


class Ability(NamedTuple):
    """Whether Xen takes a kernel image for a way to run, and why not."""

    able: bool
    why: str


class ImageFacts(NamedTuple):
    """What of a kernel image counts here: as what Xen takes it (`pv`, `pvh`, `dom0`), and where that was read."""

    source: str
    abilities: dict[str, Ability]


class Refused(NamedTuple):
    """A mapping that a kernel's own tracker refused or changed, by its boot log."""

    what: str
    wanted: str
    got: str
    place: str


def place(source: str, line: int | None) -> str:
    """File and line, or the file alone where no line is known."""
    return f"{source}:{line}" if line else source


def value_of(facts: Record, key: str) -> Record:
    """A fact by its key; empty where it is not there."""
    if not facts.has(key):
        return Record({}, facts.at(key))
    return Record.of(facts.data[key], path=facts.at(key), known=_FACT_KEYS)


def origin_in(fact: Record) -> Record:
    """Where a fact comes from."""
    if not fact.has("origin"):
        return Record({}, fact.at("origin"))
    return Record.of(fact.data["origin"], path=fact.at("origin"), known=_ORIGIN_KEYS)


MESSAGE_LIMIT = 1000
_LABELS = {
    "release": "the kernel's release",
    "mode": "the mode",
    "role": "the role",
    "devices": "whether it has devices",
    "observed_pat": "the layout that was seen",
    "cmdline": "nopat on the command line",
    "host": "the host",
    "config": "the .config",
    "image": "the kernel image",
    "pat_off": "PAT switched off",
    "hide_cpuid_pat": "whether CPUID.PAT is hidden",
}
_IN_WORDS = ("host", "config", "image", "pat_off")  # what disagrees there is put in words already


def place_of(fact: Record) -> str:
    """Where a fact comes from, in words."""
    origin = origin_in(fact)
    source, offset = origin.optional_text("source", limit=MESSAGE_LIMIT), origin.data.get("offset")
    if source is None:
        return f"stated by {origin.optional_text('by') or 'a person'}"
    if origin.optional_text("kind") == "image" and isinstance(offset, int):
        return f"{source} at {offset:#x}"
    return place(source, origin.line("line"))


def contradictions_of(facts: Record) -> Iterator[str]:
    """What evidence disagrees on: each value with where it comes from."""
    for key, known in facts.data.items():
        if not isinstance(known, dict) or "also" not in known:
            continue
        fact = value_of(facts, key)
        for number, item in enumerate(fact.items("also", limit=LIST_LIMIT)[:_ALSO_LIMIT]):
            other = Record.of(item, path=f"{fact.at('also')}[{number}]", known=("value", "origin"))
            if key in _IN_WORDS:
                yield f"{_LABELS[key]}: {_shown(other)} ({place_of(other)} against {place_of(fact)})"
            else:
                label = _LABELS.get(key, key.replace("_", " "))
                yield f"{label} is {_shown(fact)} ({place_of(fact)}), but {_shown(other)} ({place_of(other)})"


def _shown(fact: Record) -> str:
    value = fact.data.get("value")
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else ascii(value)[:200].strip("'")


_NOPAT = "boot option"


def _why_off(fact: Record) -> Record:
    return Record.of(fact.data.get("value") or {}, path=fact.at("value"), known=("why", "text"))


def has_nopat(command_line: str | None, off: Record) -> bool:
    """Whether the command line says nopat, or the boot log that a boot option did."""
    return (command_line is not None and says_nopat(command_line)) or _why_off(off).data.get("why") == _NOPAT


def _pat_off(fact: Record) -> str:
    said = _why_off(fact)
    if not said.data:
        return ""
    return f"its boot log says: {said.text('text', limit=MESSAGE_LIMIT)} ({place_of(fact)})"


_REFUSED_KEYS = ("kind", "start", "end", "wanted", "got", "who")


def _refused(fact: Record) -> tuple[Refused, ...]:
    found = []
    for number, item in enumerate(fact.items("value", limit=LIST_LIMIT)):
        one = Record.of(item, path=f"{fact.at('value')}[{number}]", known=_REFUSED_KEYS)
        wanted, got = one.optional_text("wanted") or "", one.optional_text("got") or ""
        found.append(Refused(one.text("kind"), wanted, got, place_of(fact)))
    return tuple(found)


def _boots(fact: Record) -> str:
    return f"{fact.data['value']} boots ({place_of(fact)})" if fact.has("value") else ""


_IMAGE_WAYS = ("pv", "pvh", "dom0")


def _read_image(fact: Record) -> ImageFacts | None:
    if not fact.has("value"):
        return None
    value = fact.data["value"]
    said = Record.of(
        value.get("abilities") if isinstance(value, dict) else value, path=fact.at("value"), known=_IMAGE_WAYS
    )
    abilities = {}
    for way in said.data:
        one = Record.of(said.data[way], path=said.at(way), known=("able", "why"))
        abilities[way] = Ability(bool(one.flag("able")), one.optional_text("why", limit=MESSAGE_LIMIT) or "")
    return ImageFacts(place_of(fact), abilities)


#: The keys of what evidence alone tells.
SEEN = frozenset(SEEN_KEYS)


def seen_of(facts: Record) -> dict[str, Any]:
    """What only evidence tells; most guests of a fleet have none of it."""
    return {
        "pat_off": _pat_off(value_of(facts, "pat_off")),
        "seen_needs": tuple(read_needs(value_of(facts, "mapped"), "value")),
        "seen_in": place_of(value_of(facts, "mapped")),
        "refused": _refused(value_of(facts, "conflicts")),
        "copies_mtrrs": value_of(facts, "copies_mtrrs").flag("value"),
        "image": _read_image(value_of(facts, "image")),
        "unreadable": value_of(facts, "unreadable").optional_text("value", limit=MESSAGE_LIMIT) or "",
        "boots": _boots(value_of(facts, "boots")),
    }
