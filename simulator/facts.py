"""What is known of a guest, and which behaviours that leaves possible."""

from dataclasses import dataclass, field

from simulator import guest
from simulator.guest import Follows, LinuxRow, Profile, make_profile
from simulator.inputs.command_line import says_nopat
from simulator.inputs.encodings import read_encodings
from simulator.inputs.guest_facts import COMMAND_LINE_LIMIT, FAMILIES, MODES, ROLES
from simulator.inputs.kernel_config import SYMBOLS
from simulator.inputs.kernel_release import KernelRelease, parse_release
from simulator.inputs.record import NAME_LIMIT, Record
from simulator.memory_type import MemoryType

_FACT_KEYS = ("value", "origin", "lines", "release")
_ORIGIN_KEYS = ("kind", "by", "source", "line")
FACTS = ("family", "release", "mode", "role", "devices", "cmdline", "encodings", "config")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFacts:
    """What of a .config counts here: symbols, their lines, and the release of its header."""

    source: str = ""
    values: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    release: KernelRelease | None = None
    release_line: int = 0

    def where(self, symbol: str) -> str:
        """File and line of a symbol."""
        return f"{self.source}:{self.lines.get(symbol, 0)}"


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
    config: ConfigFacts = field(default_factory=ConfigFacts)

    @property
    def lacks_pat_support(self) -> bool:
        """Whether the kernel runs without PAT support, by `nopat` or by its .config."""
        return self.has_nopat or self.config.values.get("CONFIG_X86_PAT") == "n"

    @property
    def is_resumable(self) -> bool:
        """Whether it may be saved under one layout and restored under another: no dom0 can."""
        return self.mode == "pv" and self.role == "domU"


def read_facts(record: Record) -> GuestFacts:
    """The facts of a guest from plain data; InvalidInput names the field that is wrong."""
    facts = Record.of(record.data.get("facts"), path=record.at("facts"), known=FACTS)
    release, release_by = _read_release(facts)
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
        config=_read_config(facts),
    )


def _value(facts: Record, key: str) -> Record:
    if not facts.has(key):
        return Record({}, facts.at(key))
    return Record.of(facts.data[key], path=facts.at(key), known=_FACT_KEYS)


def _origin(fact: Record) -> Record:
    if not fact.has("origin"):
        return Record({}, fact.at("origin"))
    return Record.of(fact.data["origin"], path=fact.at("origin"), known=_ORIGIN_KEYS)


def _read_release(facts: Record) -> tuple[KernelRelease | None, str]:
    fact = _value(facts, "release")
    text = fact.optional_text("value")
    if text is None:
        return None, ""
    origin = _origin(fact)
    source, line = origin.optional_text("source"), origin.line("line")
    stated_by = f"stated by {origin.optional_text('by') or 'a person'}"
    return parse_release(text, field=fact.at("value")), f"{source}:{line or 0}" if source else stated_by


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
        lines={symbol: lines.line(symbol) or 0 for symbol in sorted(lines.data)},
        release=None if release is None else parse_release(release, field=header.at("value")),
        release_line=header.line("line") or 0,
    )


# mode  role    symbols of which none may be off    what it cannot do then
_BOOT_NEEDS = {
    "linux": (
        ("pv", None, "XEN XEN_PV HYPERVISOR_GUEST PARAVIRT_GUEST PARAVIRT", "cannot boot as a PV guest"),
        ("pv", "dom0", "XEN_DOM0 XEN_PV_DOM0", "cannot boot as a PV dom0"),
        ("pvh", None, "XEN XEN_PVH HYPERVISOR_GUEST", "cannot boot as a PVH guest"),
        ("pvh", "dom0", "XEN_DOM0", "cannot boot as a PVH dom0"),
    ),
    "xenlinux": (
        ("pv", None, "XEN", "cannot boot as a PV guest"),
        ("pv", "dom0", "XEN_PRIVILEGED_GUEST", "cannot boot as a dom0"),
    ),
}
_BOOT_NEEDS["suse-xenlinux"] = _BOOT_NEEDS["xenlinux"]


def boot_problem(facts: GuestFacts) -> str:
    """Why this kernel cannot boot in the stated mode, with file and line; "" if nothing says so.

    Source: linux, arch/x86/xen/Kconfig.
    """
    for mode, role, symbols, consequence in _BOOT_NEEDS.get(facts.family or "linux", ()):
        if facts.mode != mode or role not in (None, facts.role):
            continue
        for symbol in ("CONFIG_" + name for name in symbols.split()):
            if facts.config.values.get(symbol) == "n":
                return f"{symbol} is not set ({facts.config.where(symbol)}), so this kernel {consequence}"
    return ""


def release_conflict(facts: GuestFacts) -> str:
    """Which two inputs contradict each other on the kernel's release; "" if they agree."""
    header = facts.config.release
    if header is None or facts.release is None or header.agrees_with(facts.release):
        return ""
    where = f"{facts.config.source}:{facts.config.release_line}"
    return (
        f"the release is {facts.release.text} ({facts.release_by}), but {header.text} in the .config's header ({where})"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Possibilities:
    """The behaviours that the facts leave possible: one if they are complete.

    `missing` are the facts that would decide, `gap` is where the tables end.
    `is_open` says that even agreement of the profiles decides nothing.
    """

    profiles: tuple[Profile, ...]
    missing: tuple[str, ...] = ()
    gap: str = ""
    is_open: bool = False


def possibilities_of(facts: GuestFacts) -> Possibilities:
    """Every behaviour that a guest with these facts may show."""
    found: list[Possibilities] = []
    missing = [] if facts.mode else ["mode"]
    for mode in (facts.mode,) if facts.mode else ("pv", "hvm"):
        if mode == "pv":
            found += _pv_possibilities(facts, missing)
        else:
            found.append(Possibilities(profiles=(make_profile("PVH or HVM", guest.OWN_PAT, ""),)))
    profiles = {str(profile.as_data()): profile for part in found for profile in part.profiles}
    return Possibilities(
        profiles=tuple(profiles.values()),
        missing=tuple(dict.fromkeys([*missing, *(key for part in found for key in part.missing)])),
        gap=next((part.gap for part in found if part.gap), ""),
        is_open=any(part.is_open for part in found),
    )


def _pv_possibilities(facts: GuestFacts, missing: list[str]) -> list[Possibilities]:
    found = []
    if facts.role is None:
        missing.append("role")
    if facts.role != "dom0" and facts.devices is None:
        missing.append("devices")
    if facts.role != "dom0" and facts.devices is not True:
        plain = make_profile("a PV domU without devices", guest.UNPRIVILEGED, "WB")
        found.append(Possibilities(profiles=(plain,)))
    if facts.role != "domU":
        found.append(_privileged(facts, is_dom0=True))
    if facts.role != "dom0" and facts.devices is not False:
        found.append(_privileged(facts, is_dom0=False))
    return found


def _privileged(facts: GuestFacts, *, is_dom0: bool) -> Possibilities:
    """What a PV guest that may set cache bits does."""
    if facts.encodings is not None:
        return Possibilities(profiles=(_stated(facts.encodings),))
    xenlinux = make_profile("XenLinux", guest.XENLINUX, guest.XENLINUX_WANTS)
    suse = make_profile("SUSE XenLinux", guest.SUSE, guest.SUSE_WANTS)
    if facts.family == "xenlinux":
        return Possibilities(profiles=(xenlinux,))
    if facts.family == "suse-xenlinux":
        return Possibilities(profiles=(suse,))
    linux = _linux(facts, is_dom0=is_dom0)
    if facts.family == "linux":
        return linux
    key = "encodings" if facts.family == "stated" else "family"
    return Possibilities(
        profiles=(*linux.profiles, xenlinux, suse), missing=(key, *linux.missing), gap=linux.gap, is_open=linux.is_open
    )


def _stated(encodings: dict[MemoryType, int]) -> Profile:
    return Profile(label="as stated", behaviour=guest.STATED, wants=tuple(encodings), indices=tuple(encodings.items()))


def _linux(facts: GuestFacts, *, is_dom0: bool) -> Possibilities:
    release = facts.release
    if release is None:
        profiles = [
            profile for row in guest.LINUX_ROWS for profile in _row_profiles(row, facts, is_dom0, losses=(False, True))
        ]
        return Possibilities(profiles=tuple(profiles), missing=("release",))
    rows, gap = _rows_of(release)
    loss = guest.loses_pat_bit(release)
    losses = (True, False) if loss.loses is None else (loss.loses,)
    if loss.loses is None:
        gap = (
            f"Linux {release.text} lies between {loss.last_without}, the last tree read without fix 548cb932051f, "
            f"and {loss.first_with}, the first with it"
        )
    found = tuple(profile for row in rows for profile in _row_profiles(row, facts, is_dom0, losses=losses))
    return Possibilities(profiles=found, gap=gap, is_open=not _is_in_tables(release))


def _row_profiles(row: LinuxRow, facts: GuestFacts, is_dom0: bool, *, losses: tuple[bool, ...]) -> list[Profile]:
    behaviour = row.dom0 if is_dom0 else row.driver_domain
    falls_back = row.first_series < guest.NOPAT_FALLS_BACK_BEFORE and facts.lacks_pat_support
    if behaviour.follows is not Follows.TYPE:
        return [make_profile(row.title, behaviour, row.wants, wc_is_uc_minus=falls_back)]
    return [
        make_profile(
            row.title + (" without fix 548cb932051f" if loses else " with fix 548cb932051f"),
            behaviour,
            row.wants,
            wc_is_uc_minus=falls_back,
            loses_pat_bit=loses,
        )
        for loses in losses
    ]


def _is_in_tables(release: KernelRelease) -> bool:
    return release.series >= guest.LINUX_ROWS[0].first_series


def _rows_of(release: KernelRelease) -> tuple[tuple[LinuxRow, ...], str]:
    """The rows that a release may belong to, and the gap it lies in if there is more than one."""
    rows = guest.LINUX_ROWS
    position = max((at for at, row in enumerate(rows) if row.first_series <= release.series), default=-1)
    if position < 0:
        return rows[:1], f"Linux {release.text} is older than {rows[0].first}, the oldest tree that was read"
    row = rows[position]
    if position > 0 and release.series == row.first_series and release.candidate is not None:
        before = rows[position - 1]
        gap = f"Linux {release.text} lies between {before.last} and {row.first}, the trees that were read"
        return (before, row), gap
    return (row,), ""
