"""What is known of a guest: read from plain data, each fact known or None."""

from dataclasses import dataclass, field, replace

from simulator.inputs.command_line import says_nopat
from simulator.inputs.encodings import read_encodings
from simulator.inputs.guest_facts import COMMAND_LINE_LIMIT, FAMILIES, MODES, ROLES, read_patches
from simulator.inputs.kernel_config import SYMBOLS
from simulator.inputs.kernel_release import KernelRelease, parse_release
from simulator.inputs.record import NAME_LIMIT, Record
from simulator.memory_type import MemoryType

_FACT_KEYS = ("value", "origin", "lines", "release")
_ORIGIN_KEYS = ("kind", "by", "source", "line")
FACTS = ("family", "release", "mode", "role", "devices", "cmdline", "encodings", "patches", "config")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFacts:
    """What of a .config counts here: symbols, their lines, and the release of its header.

    A file with a header is a whole .config: a symbol that it does not name is off.
    """

    source: str = ""
    values: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int | None] = field(default_factory=dict)
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


def place(source: str, line: int | None) -> str:
    """File and line, or the file alone where no line is known."""
    return f"{source}:{line}" if line else source


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestFacts:
    """The facts of one guest; None is unknown."""

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
    config: ConfigFacts = field(default_factory=ConfigFacts)

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
        return self.config.where("CONFIG_MTRR") if is_off else ""

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
    facts = Record.of(record.data.get("facts"), path=record.at("facts"), known=FACTS)
    config = _read_config(facts)
    release, release_by = _read_release(facts, config)
    command_line = _value(facts, "cmdline").optional_text("value", limit=COMMAND_LINE_LIMIT)
    encodings = _value(facts, "encodings")
    return GuestFacts(
        name=record.text("name"),
        family=_value(facts, "family").word("value", FAMILIES),
        release=release,
        release_by=release_by,
        mode=_value(facts, "mode").word("value", MODES),
        role=_value(facts, "role").word("value", ROLES),
        devices=_value(facts, "devices").flag("value"),
        has_nopat=command_line is not None and says_nopat(command_line),
        encodings=read_encodings(encodings.data["value"], field=encodings.at("value"))
        if encodings.has("value")
        else None,
        patches=tuple(read_patches(_value(facts, "patches"), "value")),
        config=config,
    )


def _value(facts: Record, key: str) -> Record:
    if not facts.has(key):
        return Record({}, facts.at(key))
    return Record.of(facts.data[key], path=facts.at(key), known=_FACT_KEYS)


def _origin(fact: Record) -> Record:
    if not fact.has("origin"):
        return Record({}, fact.at("origin"))
    return Record.of(fact.data["origin"], path=fact.at("origin"), known=_ORIGIN_KEYS)


def _read_release(facts: Record, config: ConfigFacts) -> tuple[KernelRelease | None, str]:
    """The release and who says so; read_guest() chose between what is stated and the .config's header."""
    fact = _value(facts, "release")
    text = fact.optional_text("value")
    if text is None:
        return None, ""
    release = parse_release(text, field=fact.at("value"))
    if release.patch == 0 and config.values.get("CONFIG_LOCALVERSION", '""') != '""':
        release = replace(release, patch=None, hides_patch=True)  # a distribution's name, and its own patches
    origin = _origin(fact)
    source, line = origin.optional_text("source"), origin.line("line")
    stated_by = f"stated by {origin.optional_text('by') or 'a person'}"
    return release, place(source, line) if source else stated_by


def _read_config(facts: Record) -> ConfigFacts:
    fact = _value(facts, "config")
    if not fact.has("value"):
        return ConfigFacts()
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
