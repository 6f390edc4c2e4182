"""What is known of a guest: read from plain data, each fact known or None."""

from typing import NamedTuple

from simulator.driver import Need, Source, driver_named, needs_by, parse_driver, sources_of
from simulator.guest import FAMILIES
from simulator.inputs.encodings import read_encodings
from simulator.inputs.kernel_release import KernelRelease, parse_plain, parse_release
from simulator.inputs.layout import read_layout
from simulator.inputs.record import NAME_LIMIT, Record, check_text
from simulator.memory_type import MemoryType
from simulator.pair import Target
from simulator.pat import PatLayout
from simulator.seen import (
    SEEN,
    ImageFacts,
    Refused,
    contradictions_of,
    has_nopat,
    origin_in,
    place,
    seen_of,
    value_of,
)
from simulator.statement import (
    COMMAND_LINE_LIMIT,
    FACT_KEYS,
    FLAGS,
    LIST_LIMIT,
    MODES,
    read_needs,
    read_patches,
    read_role,
)

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
    family = value_of(facts, "family").word("value", FAMILIES)
    release, release_by = _read_release(facts, config, family)
    command_line = value_of(facts, "cmdline").optional_text("value", limit=COMMAND_LINE_LIMIT)
    encodings = value_of(facts, "encodings")
    flags = {key: bool(value_of(facts, key).flag("value")) for key in FLAGS}
    modules = value_of(facts, "modules")
    known = GuestFacts(
        name=record.text("name"),
        family=family,
        release=release,
        release_by=release_by,
        mode=value_of(facts, "mode").word("value", MODES),
        role=read_role(value_of(facts, "role"), "value"),
        devices=value_of(facts, "devices").flag("value"),
        has_nopat=has_nopat(command_line, value_of(facts, "pat_off")),
        encodings=read_encodings(encodings.data["value"], field=encodings.at("value"))
        if encodings.has("value")
        else None,
        patches=tuple(read_patches(value_of(facts, "patches"), "value")),
        config=config,
        drivers=tuple(sorted({parse_driver(name, field=facts.at("drivers")) for name in _names(facts, "drivers")})),
        modules=_known_modules(modules) if modules.has("value") else None,
        stated_needs=tuple(read_needs(value_of(facts, "needs"), "value")),
        hides_pat=flags["hide_cpuid_pat"],
        hides_mtrr=flags["hide_cpuid_mtrr"],
        errata_cpu=flags["errata_cpu"],
        booted_under=_layout(facts, "booted_under"),
        observed=_layout(facts, "observed_pat"),
        contradictions=tuple(contradictions_of(facts)),
    )
    return known._replace(**seen_of(facts)) if SEEN & facts.data.keys() else known


def _names(facts: Record, key: str) -> list[str]:
    fact = value_of(facts, key)
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
    fact = value_of(facts, key)
    return read_layout(fact.data["value"], field=fact.at("value")).layout if fact.has("value") else None


def _read_release(facts: Record, config: ConfigFacts, family: str | None) -> tuple[KernelRelease | None, str]:
    """The release and who says so; read_guest() chose between what is stated and the .config's header."""
    fact = value_of(facts, "release")
    text = fact.optional_text("value")
    if text is None:
        return None, ""
    parse = parse_release if family in (None, *LINUX_FAMILIES) else parse_plain
    release = parse(text, field=fact.at("value"))
    if release.patch == 0 and config.values.get("CONFIG_LOCALVERSION", '""') != '""':
        release = release._replace(patch=None, hides_patch=True)  # a distribution's name, and its own patches
    origin = origin_in(fact)
    source, line = origin.optional_text("source"), origin.line("line")
    stated_by = f"stated by {origin.optional_text('by') or 'a person'}"
    return release, place(source, line) if source else stated_by


def _read_config(facts: Record) -> ConfigFacts:
    fact = value_of(facts, "config")
    if not fact.has("value"):
        return ConfigFacts()
    from simulator.inputs.kernel_config import SYMBOLS

    values = Record.of(fact.data["value"], path=fact.at("value"), known=SYMBOLS)
    lines = Record.of(fact.data.get("lines") or {}, path=fact.at("lines"), known=SYMBOLS)
    header = Record.of(fact.data.get("release") or {}, path=fact.at("release"), known=("value", "line"))
    release = header.optional_text("value")
    return ConfigFacts(
        source=origin_in(fact).optional_text("source") or ".config",
        values={symbol: values.text(symbol, limit=2 * NAME_LIMIT, empty=True) for symbol in sorted(values.data)},
        lines={symbol: lines.line(symbol) for symbol in sorted(lines.data)},
        release=None if release is None else parse_release(release, field=header.at("value")),
        release_line=header.line("line"),
    )
