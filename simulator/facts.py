"""What is known of a guest: read from plain data, each fact known or None."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from simulator.driver import Need, Source, driver_named, needs_by, parse_driver, sources_of
from simulator.guest import FAMILIES
from simulator.inputs.command_line import says_nopat
from simulator.inputs.encodings import read_encodings
from simulator.inputs.kernel_release import KernelRelease, parse_plain, parse_release
from simulator.inputs.layout import read_layout
from simulator.inputs.record import NAME_LIMIT, Record, check_text
from simulator.memory_type import MemoryType
from simulator.pair import Target
from simulator.pat import PatLayout
from simulator.statement import (
    COMMAND_LINE_LIMIT,
    FACT_KEYS,
    FLAGS,
    LIST_LIMIT,
    MODES,
    SEEN_KEYS,
    read_needs,
    read_patches,
    read_role,
)

_FACT_KEYS = ("value", "origin", "lines", "release", "also", "origins")
_ORIGIN_KEYS = ("kind", "by", "source", "line", "offset")
_ALSO_LIMIT = 20
#: The families whose releases are Linux's.
LINUX_FAMILIES = ("linux", "xenlinux", "suse-xenlinux", "linux-jeremy")


class ConfigFacts(NamedTuple):
    """What of a .config counts here: symbols, their lines, and the release of its header.

    A file with a header is a whole .config: a symbol that it does not name is off.
    """

    source: str = ""
    values: dict[str, str] = {}
    lines: dict[str, int | None] = {}
    release: KernelRelease | None = None
    release_line: int | None = None

    def is_off(self, symbol: str, *, may_be_absent: bool = True) -> bool:
        """Whether a symbol is not set; absence counts in a whole .config alone, and not where the symbol is newer."""
        is_absent = self.release is not None and symbol not in self.values and may_be_absent
        return is_absent or self.values.get(symbol) == "n"

    def where(self, symbol: str) -> str:
        """How a symbol is off, with file and line."""
        if symbol not in self.values:
            return f"{symbol} is absent ({self.source})"
        return f"{symbol} is not set ({place(self.source, self.lines.get(symbol))})"

    def places(self) -> dict[str, str]:
        """Where each symbol stands, in brackets."""
        return {symbol: f" ({place(self.source, self.lines.get(symbol))})" for symbol in self.values}


def place(source: str, line: int | None) -> str:
    """File and line, or the file alone where no line is known."""
    return f"{source}:{line}" if line else source


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


class GuestFacts(NamedTuple):
    """The facts of one guest; None is unknown.

    `pat_off` is by what its boot log says that PAT is off, `seen_needs` what a list of its mappings shows, `boots` how
    many boots its log holds, where there are several. `contradictions` are what its evidence disagrees on, in words.
    """

    name: str
    family: str | None = None
    release: KernelRelease | None = None
    release_by: str = ""
    mode: str | None = None
    role: str | None = None
    devices: bool | None = None
    has_nopat: bool = False
    encodings: dict[MemoryType, int] | None = None
    patches: tuple[str, ...] = ()
    config: ConfigFacts = ConfigFacts()
    drivers: tuple[str, ...] = ()
    modules: tuple[str, ...] | None = None
    stated_needs: tuple[tuple[MemoryType, Target], ...] = ()
    hides_pat: bool = False
    hides_mtrr: bool = False
    errata_cpu: bool = False
    booted_under: PatLayout | None = None
    observed: PatLayout | None = None
    pat_off: str = ""
    seen_needs: tuple[tuple[MemoryType, Target], ...] = ()
    seen_in: str = ""
    refused: tuple[Refused, ...] = ()
    copies_mtrrs: bool | None = None
    image: ImageFacts | None = None
    unreadable: str = ""
    boots: str = ""
    contradictions: tuple[str, ...] = ()

    @property
    def without_pat(self) -> str:
        """By what the kernel runs without PAT support; "" if nothing says so.

        Source: linux, arch/x86/Kconfig: X86_PAT depends on MTRR.
        """
        if self.has_nopat:
            return "nopat"
        if self.config.is_off("CONFIG_X86_PAT"):
            return self.config.where("CONFIG_X86_PAT")
        is_off = self.config.is_off("CONFIG_MTRR", may_be_absent=False)
        return self.config.where("CONFIG_MTRR") if is_off else self.pat_off

    @property
    def sources(self) -> list[Source]:
        """The drivers that the facts name, and by what."""
        return sources_of(self.drivers, self.modules, self.config.values, self.config.places())

    def driver_needs(self, *, has_hardware: bool) -> list[Need]:
        """What the drivers need that the facts name, and what a person says is mapped.

        Hardware that a guest has not been given is driven by nobody, whatever its .config builds.
        """
        sources = self.sources
        if not has_hardware:
            sources = [one for one in sources if one.driver.key in self.drivers or not one.driver.needs_hardware]
        stated = [Need(wanted, target, "stated", True) for wanted, target in self.stated_needs]
        seen = [one for one in self.seen_needs if one not in self.stated_needs]
        stated += [
            Need(wanted, target, f"mapped when it was looked at ({self.seen_in})", True) for wanted, target in seen
        ]
        kept = {(need.wanted, need.target) for need in stated}
        return stated + [need for need in needs_by(sources) if (need.wanted, need.target) not in kept]

    @property
    def knows_drivers(self) -> bool:
        """Whether a .config, a module list or a person says what the guest drives."""
        says = self.config.source or self.drivers or self.stated_needs or self.seen_needs
        return bool(says) or self.modules is not None

    def has_driver(self, key: str) -> bool | None:
        """Whether a driver is there; None where it is only possible."""
        found = [source.certain for source in self.sources if source.driver.key == key]
        return True if any(found) else None if found else False

    def carries(self, commit: str) -> bool:
        """Whether a person states that the kernel has a commit."""
        return any(commit.startswith(stated) or stated.startswith(commit) for stated in self.patches)

    @property
    def is_contradicted(self) -> bool:
        """Whether the release that is stated and the .config's header cannot be the same kernel."""
        header = self.config.release
        return header is not None and self.release is not None and not header.agrees_with(self.release)


def read_facts(record: Record) -> GuestFacts:
    """The facts of a guest from plain data; InvalidInput names the field that is wrong."""
    facts = Record.of(record.data.get("facts"), path=record.at("facts"), known=FACT_KEYS)
    config = _read_config(facts)
    family = _value(facts, "family").word("value", FAMILIES)
    release, release_by = _read_release(facts, config, family)
    command_line = _value(facts, "cmdline").optional_text("value", limit=COMMAND_LINE_LIMIT)
    encodings = _value(facts, "encodings")
    flags = {key: bool(_value(facts, key).flag("value")) for key in FLAGS}
    modules = _value(facts, "modules")
    known = GuestFacts(
        name=record.text("name"),
        family=family,
        release=release,
        release_by=release_by,
        mode=_value(facts, "mode").word("value", MODES),
        role=read_role(_value(facts, "role"), "value"),
        devices=_value(facts, "devices").flag("value"),
        has_nopat=_has_nopat(command_line, _value(facts, "pat_off")),
        encodings=read_encodings(encodings.data["value"], field=encodings.at("value"))
        if encodings.has("value")
        else None,
        patches=tuple(read_patches(_value(facts, "patches"), "value")),
        config=config,
        drivers=tuple(sorted({parse_driver(name, field=facts.at("drivers")) for name in _names(facts, "drivers")})),
        modules=_known_modules(modules) if modules.has("value") else None,
        stated_needs=tuple(read_needs(_value(facts, "needs"), "value")),
        hides_pat=flags["hide_cpuid_pat"],
        hides_mtrr=flags["hide_cpuid_mtrr"],
        errata_cpu=flags["errata_cpu"],
        booted_under=_layout(facts, "booted_under"),
        observed=_layout(facts, "observed_pat"),
        contradictions=tuple(_contradictions(facts)),
    )
    return known._replace(**_seen(facts)) if _SEEN & facts.data.keys() else known


_SEEN = frozenset(SEEN_KEYS)


def _seen(facts: Record) -> dict[str, Any]:
    """What only evidence tells; most guests of a fleet have none of it."""
    return {
        "pat_off": _pat_off(_value(facts, "pat_off")),
        "seen_needs": tuple(read_needs(_value(facts, "mapped"), "value")),
        "seen_in": _place_of(_value(facts, "mapped")),
        "refused": _refused(_value(facts, "conflicts")),
        "copies_mtrrs": _value(facts, "copies_mtrrs").flag("value"),
        "image": _read_image(_value(facts, "image")),
        "unreadable": _value(facts, "unreadable").optional_text("value", limit=_MESSAGE_LIMIT) or "",
        "boots": _boots(_value(facts, "boots")),
    }


def _value(facts: Record, key: str) -> Record:
    if not facts.has(key):
        return Record({}, facts.at(key))
    return Record.of(facts.data[key], path=facts.at(key), known=_FACT_KEYS)


_MESSAGE_LIMIT = 1000
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


def _place_of(fact: Record) -> str:
    """Where a fact comes from, in words."""
    origin = _origin(fact)
    source, offset = origin.optional_text("source", limit=_MESSAGE_LIMIT), origin.data.get("offset")
    if source is None:
        return f"stated by {origin.optional_text('by') or 'a person'}"
    if origin.optional_text("kind") == "image" and isinstance(offset, int):
        return f"{source} at {offset:#x}"
    return place(source, origin.line("line"))


def _contradictions(facts: Record) -> Iterator[str]:
    """What evidence disagrees on: each value with where it comes from."""
    for key, known in facts.data.items():
        if not isinstance(known, dict) or "also" not in known:
            continue
        fact = _value(facts, key)
        for number, item in enumerate(fact.items("also", limit=LIST_LIMIT)[:_ALSO_LIMIT]):
            other = Record.of(item, path=f"{fact.at('also')}[{number}]", known=("value", "origin"))
            if key in _IN_WORDS:
                yield f"{_LABELS[key]}: {_shown(other)} ({_place_of(other)} against {_place_of(fact)})"
            else:
                label = _LABELS.get(key, key.replace("_", " "))
                yield f"{label} is {_shown(fact)} ({_place_of(fact)}), but {_shown(other)} ({_place_of(other)})"


def _shown(fact: Record) -> str:
    value = fact.data.get("value")
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else ascii(value)[:200].strip("'")


_NOPAT = "boot option"


def _why_off(fact: Record) -> Record:
    return Record.of(fact.data.get("value") or {}, path=fact.at("value"), known=("why", "text"))


def _has_nopat(command_line: str | None, off: Record) -> bool:
    """Whether the command line says nopat, or the boot log that a boot option did."""
    return (command_line is not None and says_nopat(command_line)) or _why_off(off).data.get("why") == _NOPAT


def _pat_off(fact: Record) -> str:
    said = _why_off(fact)
    if not said.data:
        return ""
    return f"its boot log says: {said.text('text', limit=_MESSAGE_LIMIT)} ({_place_of(fact)})"


_REFUSED_KEYS = ("kind", "start", "end", "wanted", "got", "who")


def _refused(fact: Record) -> tuple[Refused, ...]:
    found = []
    for number, item in enumerate(fact.items("value", limit=LIST_LIMIT)):
        one = Record.of(item, path=f"{fact.at('value')}[{number}]", known=_REFUSED_KEYS)
        wanted, got = one.optional_text("wanted") or "", one.optional_text("got") or ""
        found.append(Refused(one.text("kind"), wanted, got, _place_of(fact)))
    return tuple(found)


def _boots(fact: Record) -> str:
    return f"{fact.data['value']} boots ({_place_of(fact)})" if fact.has("value") else ""


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
        abilities[way] = Ability(bool(one.flag("able")), one.optional_text("why", limit=_MESSAGE_LIMIT) or "")
    return ImageFacts(_place_of(fact), abilities)


def _names(facts: Record, key: str) -> list[str]:
    fact = _value(facts, key)
    return [
        check_text(item, field=fact.at("value"), limit=NAME_LIMIT) for item in fact.items("value", limit=LIST_LIMIT)
    ]


def _known_modules(fact: Record) -> tuple[str, ...]:
    """The names of a module list that a driver here answers to: the others drive nothing that counts."""
    names = (
        check_text(item, field=fact.at("value"), limit=NAME_LIMIT) for item in fact.items("value", limit=LIST_LIMIT)
    )
    return tuple(sorted({name for name in names if driver_named(name)}))


def _layout(facts: Record, key: str) -> PatLayout | None:
    fact = _value(facts, key)
    return read_layout(fact.data["value"], field=fact.at("value")).layout if fact.has("value") else None


def _origin(fact: Record) -> Record:
    if not fact.has("origin"):
        return Record({}, fact.at("origin"))
    return Record.of(fact.data["origin"], path=fact.at("origin"), known=_ORIGIN_KEYS)


def _read_release(facts: Record, config: ConfigFacts, family: str | None) -> tuple[KernelRelease | None, str]:
    """The release and who says so; read_guest() chose between what is stated and the .config's header."""
    fact = _value(facts, "release")
    text = fact.optional_text("value")
    if text is None:
        return None, ""
    parse = parse_release if family in (None, *LINUX_FAMILIES) else parse_plain
    release = parse(text, field=fact.at("value"))
    if release.patch == 0 and config.values.get("CONFIG_LOCALVERSION", '""') != '""':
        release = release._replace(patch=None, hides_patch=True)  # a distribution's name, and its own patches
    origin = _origin(fact)
    source, line = origin.optional_text("source"), origin.line("line")
    stated_by = f"stated by {origin.optional_text('by') or 'a person'}"
    return release, place(source, line) if source else stated_by


def _read_config(facts: Record) -> ConfigFacts:
    fact = _value(facts, "config")
    if not fact.has("value"):
        return ConfigFacts()
    from simulator.inputs.kernel_config import SYMBOLS

    values = Record.of(fact.data["value"], path=fact.at("value"), known=SYMBOLS)
    lines = Record.of(fact.data.get("lines") or {}, path=fact.at("lines"), known=SYMBOLS)
    header = Record.of(fact.data.get("release") or {}, path=fact.at("release"), known=("value", "line"))
    release = header.optional_text("value")
    return ConfigFacts(
        source=_origin(fact).optional_text("source") or ".config",
        values={symbol: values.text(symbol, limit=2 * NAME_LIMIT, empty=True) for symbol in sorted(values.data)},
        lines={symbol: lines.line(symbol) for symbol in sorted(lines.data)},
        release=None if release is None else parse_release(release, field=header.at("value")),
        release_line=header.line("line"),
    )
