"""What a run is asked: a platform or some, guests, and what is proposed. The format is patreview.scenario/1."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from simulator.canonical_json import digest
from simulator.effective import Vendor
from simulator.facts import GuestFacts, read_facts
from simulator.guest import FAMILY_TITLES
from simulator.hypervisor import NEWEST_XEN, XenModel, parse_release
from simulator.inputs.command_line import MmioRelax, mmio_relax
from simulator.inputs.layout import read_layout
from simulator.inputs.record import NAME_LIMIT, Record
from simulator.pat import PatLayout
from simulator.platform import Platform
from simulator.possibilities import Possibilities, possibilities_of
from simulator.problem import InvalidInput, refuse
from simulator.statement import COMMAND_LINE_LIMIT, STATED_KEYS, read_guest

if TYPE_CHECKING:
    from simulator.source import XenSource

SCHEMA = "patreview.scenario/1"
KINDS = ("layout", "guest", "scheme")
PLATFORMS_LIMIT = 100
GUESTS_LIMIT = 20_000
CAREFUL_LIMIT = 100  # guests whose .config is read with line numbers and notes

_SCENARIO_KEYS = ("schema", "platform", "platforms", "proposal", "guests")
_PLATFORM_KEYS = ("name", "xen", "layout", "layout_name", "vendor", "mtrr", "cmdline", "errata_cpu", "patches")
_FACT_GUEST_KEYS = ("platforms", "name", "facts", "notes", "evidence", "observed_on")
_GUEST_ALIASES = {"guest": "family", "driver": "drivers", "encode": "encodings"}
_GUEST_KEYS = (*STATED_KEYS, *_GUEST_ALIASES, "config", "platforms", "facts", "notes", "evidence", "observed_on")
_PROPOSAL_KEYS = ("kind", "platform", "layout", "source", *_GUEST_KEYS)
#: 40b05620e2 makes Xen's test of MMIO mappings follow the type.
MMIO_BY_TYPE_FIX = "40b05620e2"


class PlacedGuest(NamedTuple):
    """A guest and the platforms that it runs on; `observed_on` are those that its boot log is of, if that is known."""

    facts: GuestFacts
    platforms: tuple[str, ...]
    observed_on: tuple[str, ...] = ()


class Scenario(NamedTuple):
    """Everything that a run looks at. `setter` is the guest whose choice a scheme makes the machine's."""

    kind: str
    platforms: tuple[Platform, ...]
    guests: tuple[PlacedGuest, ...]
    setter: str = ""


class GuestClass:
    """Guests that encode and need the same on one platform: judged once, for all members."""

    def __init__(self, identity: str, platform: str, facts: GuestFacts, possibilities: Possibilities) -> None:
        self.identity = identity
        self.platform = platform
        self.facts = facts
        self.possibilities = possibilities
        self.members: list[str] = []
        self.systems: dict[str, tuple[int, ...]] = {}
        self.has_config = False  # whether a .config was sent for any member

    @cached_property
    def key(self) -> str:
        """What tells this class from others, over runs: its behaviour on its platform."""
        return "c-" + digest("class", [self.platform, self.identity])[:8]

    @property
    def title(self) -> str:
        """As in `PV dom0, Linux 6.12.117`."""
        systems = sorted(self.systems, key=lambda name: (self.systems[name], name))
        shown = ", ".join(systems[:3]) + (f" and {len(systems) - 3} more" if len(systems) > 3 else "")
        return f"{kind_of(self.facts)}, {shown}"

    @property
    def subject(self) -> str:
        """Who it is, to begin a sentence with: the one member or how many, and the title."""
        return f"{self.name} ({self.title})"

    @property
    def name(self) -> str:
        """The one member, or how many."""
        return self.members[0] if len(self.members) == 1 else f"{len(self.members)} guests"

    @property
    def who(self) -> str:
        """Who it is, to begin a headline with: `Linux 5.15 (sys-gpu)`, or the name where that says all."""
        is_known = self.facts.family not in (None, "stated") and self.facts.release is not None
        if not is_known or len(self.systems) > 1:
            return self.name
        system = next(iter(self.systems))
        return f"{system} ({self.name})" if len(self.members) == 1 else f"{self.name} ({system})"

    @property
    def ending(self) -> str:
        """The ending of a verb that follows `subject`."""
        return "s" if len(self.members) == 1 else ""


def kind_of(facts: GuestFacts) -> str:
    """Which kind of guest, as in `PV dom0` or `PV domU with devices`."""
    mode = facts.mode.upper() if facts.mode else "PV, PVH or HVM"
    if facts.role != "domU":
        return f"{mode} {facts.role or 'guest'}"
    devices = {True: "domU with devices", False: "domU without devices", None: "domU, devices unknown"}
    return f"{mode} {devices[facts.devices]}"


def system_of(facts: GuestFacts) -> str:
    """Which system a guest runs, as in `Linux 6.12.117`."""
    family = FAMILY_TITLES.get(facts.family or "", "family unknown").rstrip(",")
    if facts.family is None and facts.release is not None:
        return f"kernel {facts.release.text}, family unknown"
    if facts.release is not None:
        return f"{family} {facts.release.text}"
    return f"{family}, release unknown" if facts.family == "linux" else family


def describe_guest(data: object) -> str:
    """What a guest is in a few words, from its facts as plain data: `PV dom0, Linux 6.12.117`.

    Raises InvalidInput for data that is no guest's facts.
    """
    facts = read_facts(Record.of(data, path="", known=_FACT_GUEST_KEYS))
    return f"{kind_of(facts)}, {system_of(facts)}"


def classes_on(platform: Platform, guests: Sequence[PlacedGuest]) -> list[GuestClass]:
    """The guests of a platform, folded to classes; sorted by title, members sorted."""
    classes: dict[str, GuestClass] = {}
    seen: dict[str, tuple[str, Possibilities]] = {}
    for facts, platforms, observed_on in guests:
        if platform.name in platforms:
            if observed_on and platform.name not in observed_on and facts.mode == "pv":
                facts = facts._replace(observed=None)
            facts = facts._replace(errata_cpu=facts.errata_cpu or platform.errata_cpu)
            identity, possibilities = _class_of(platform, facts, seen)
            if identity not in classes:
                classes[identity] = GuestClass(identity, platform.name, facts, possibilities)
            known = classes[identity]
            known.members.append(facts.name)
            known.has_config = known.has_config or bool(facts.config.source)
            release = facts.release
            known.systems[system_of(facts)] = release.numbers if release else ()
    for known in classes.values():
        known.members.sort()
    return sorted(classes.values(), key=lambda known: (known.title, known.identity))


def _class_of(
    platform: Platform, facts: GuestFacts, seen: dict[str, tuple[str, Possibilities]]
) -> tuple[str, Possibilities]:
    """What tells a class from others. Facts that differ in the name alone are worked out once."""
    stated = repr(facts._replace(name=""))
    if stated not in seen:
        found = possibilities_of(facts, platform.xen)
        observed = None if facts.observed is None else facts.observed.hex
        evidence = facts.contradictions, facts.boots, facts.refused, facts.unreadable, facts.image
        about = [kind_of(facts), facts.family, found.identity(), observed]
        seen[stated] = repr([*about, evidence] if any(evidence) else about), found
    return seen[stated]


def read_scenario(data: object) -> Scenario:
    """The scenario of plain data, in an order of its own.

    Raises InvalidInput, naming the field, for all data that is none.
    """
    record = Record.of(data, path="", known=_SCENARIO_KEYS)
    if record.has("schema") and record.text("schema") != SCHEMA:
        raise refuse("schema", f"is not {SCHEMA}", field="schema")
    platforms = _read_platforms(record)
    guests = _read_guests(record, tuple(platforms))
    kind, setter = "guest", ""
    if record.has("proposal"):
        proposal = Record.of(record.data["proposal"], path="proposal", known=_PROPOSAL_KEYS)
        kind = proposal.word("kind", KINDS) or _no_kind()
        if kind == "guest":
            one = _read_guest(_without_kind(proposal), tuple(platforms), default="proposal")
            guests[one.facts.name] = one
        else:
            setter = _propose(proposal, platforms, guests, kind)
    return Scenario(
        kind=kind,
        platforms=tuple(platforms[name] for name in sorted(platforms)),
        guests=tuple(guests[name] for name in sorted(guests)),
        setter=setter,
    )


def _no_kind() -> str:
    raise refuse("missing", f"is missing: {', '.join(KINDS)}", field="proposal.kind")


def _without_kind(proposal: Record) -> Record:
    return Record({key: value for key, value in proposal.data.items() if key != "kind"}, proposal.path)


def _read_platforms(record: Record) -> dict[str, Platform]:
    if record.has("platform"):
        if record.has("platforms"):
            raise refuse("duplicate", "platform and platforms are both given; give one of them", field="platforms")
        platform = _read_platform(Record.of(record.data["platform"], path="platform", known=_PLATFORM_KEYS))
        return {platform.name: platform}
    platforms: dict[str, Platform] = {}
    for position, item in enumerate(record.items("platforms", limit=PLATFORMS_LIMIT)):
        platform = _read_platform(Record.of(item, path=f"platforms[{position}]", known=_PLATFORM_KEYS))
        if platform.name in platforms:
            raise refuse("duplicate", f"{platform.name!a} is given twice", field=f"platforms[{position}].name")
        platforms[platform.name] = platform
    if not platforms:
        raise refuse("missing", "no platform is given, so there is nothing to judge by", field="platforms")
    return platforms


def check_platform(data: object) -> None:
    """Raises InvalidInput, naming the field, for data that is no platform of a scenario."""
    _read_platform(Record.of(data, path="", known=_PLATFORM_KEYS))


def _read_platform(record: Record) -> Platform:
    release = record.optional_text("xen")
    xen = NEWEST_XEN if release is None else parse_release(release, field=record.at("xen"))
    stated = read_layout(record.data["layout"], field=record.at("layout")).layout if record.has("layout") else None
    layout = stated or xen.layout
    mtrr = None
    if record.has("mtrr"):
        from simulator.mtrr import read_mtrr

        mtrr = read_mtrr(record.data["mtrr"], field=record.at("mtrr"))
    command_line = record.optional_text("cmdline", limit=COMMAND_LINE_LIMIT)
    relax = mmio_relax(command_line, field=record.at("cmdline")) if command_line else MmioRelax.NONE
    return Platform(
        name=record.optional_text("name") or "platform",
        xen=xen._replace(by_type=_carries_fix(record)),
        vendor=Vendor(record.word("vendor", tuple(Vendor)) or Vendor.INTEL),
        layout=layout,
        layout_name=record.optional_text("layout_name") or layout.name,
        layout_source="xen" if stated is None else "stated",
        relax=relax,
        mtrr=mtrr,
        errata_cpu=bool(record.flag("errata_cpu")),
    )


def _carries_fix(record: Record) -> bool:
    from simulator.statement import read_patches

    return any(MMIO_BY_TYPE_FIX.startswith(one[:10]) for one in read_patches(record, "patches"))


def _propose(proposal: Record, platforms: dict[str, Platform], guests: dict[str, PlacedGuest], kind: str) -> str:
    """Put a proposed layout on its platform; for a scheme it is the first domain's choice. Returns who chose."""
    wrong = sorted(set(proposal.data) - {"kind", "platform", "layout", *(["source"] if kind == "layout" else [])})
    if wrong:
        raise refuse("unknown_field", f"a {kind} has no such field", field=proposal.at(wrong[0]))
    name = proposal.optional_text("platform") or (next(iter(platforms)) if len(platforms) == 1 else "")
    if name not in platforms:
        given = f"{name!a} is not among the platforms" if name else "is missing: which platform is it for?"
        raise refuse("unknown_platform", given, field="proposal.platform")
    setter = _setter(guests, name) if kind == "scheme" else ""
    if kind == "scheme" and not proposal.has("layout"):
        layout = _native_choice(guests[setter].facts, platforms[name].xen)
    else:
        layout = read_layout(proposal.data.get("layout"), field="proposal.layout").layout
    platforms[name] = platforms[name]._replace(proposed=layout, source=_source(proposal))
    if kind == "scheme":
        for other, placed in guests.items():
            if other != setter and placed.facts.mode == "pv":
                guests[other] = placed._replace(facts=placed.facts._replace(hides_pat=True))
    return setter


def _source(proposal: Record) -> "XenSource | None":
    if not proposal.has("source"):
        return None
    from simulator.source import read_source

    return read_source(proposal.data["source"], field=proposal.at("source"))


def _setter(guests: dict[str, PlacedGuest], platform: str) -> str:
    found = sorted(
        name for name, placed in guests.items() if placed.facts.role == "dom0" and platform in placed.platforms
    )
    if len(found) != 1:
        raise refuse(
            "scheme", f"a scheme needs one dom0, whose note sets the layout; {len(found)} are given", field="guests"
        )
    return found[0]


def _native_choice(facts: GuestFacts, xen: XenModel) -> PatLayout:
    """The layout that the first domain would ask for: the one that its kernel programs natively."""
    natively = facts._replace(mode="hvm", role="domU", devices=True, hides_pat=False)
    kernels = possibilities_of(natively, xen).kernels
    layouts = {kernel.own for kernel in kernels if kernel.problem is None}
    own = layouts.pop() if len(layouts) == 1 else None
    if own is None:
        message = f"it is not known which layout {facts.name!a} would set: state it here, or the guest's release"
        raise refuse("scheme", message, field="proposal.layout")
    return own


def _read_guests(record: Record, platforms: tuple[str, ...]) -> dict[str, PlacedGuest]:
    guests: dict[str, PlacedGuest] = {}
    items = record.items("guests", limit=GUESTS_LIMIT)
    for position, item in enumerate(items):
        one = Record.of(item, path=f"guests[{position}]", known=_GUEST_KEYS)
        default = f"guest-{position + 1}"
        placed = _read_guest(one, platforms, default=default, careful=len(items) <= CAREFUL_LIMIT)
        if placed.facts.name in guests:
            raise refuse("duplicate", f"{placed.facts.name!a} is given twice", field=one.at("name"))
        guests[placed.facts.name] = placed
    return guests


def _read_guest(one: Record, platforms: tuple[str, ...], *, default: str, careful: bool = True) -> PlacedGuest:
    """A guest by its facts, each with its origin, or by what is stated of it."""
    if one.has("facts"):
        data = Record({key: value for key, value in one.data.items() if key in _FACT_GUEST_KEYS}, one.path)
        facts = read_facts(data)
    else:
        facts = read_facts(Record(_facts_of(one, default, careful), one.path))
    on = one.items("platforms", limit=PLATFORMS_LIMIT) if one.has("platforms") else list(platforms)
    unknown = [name for name in on if not isinstance(name, str) or name not in platforms]
    if unknown:
        raise refuse(
            "unknown_platform", f"{ascii(unknown[0])[:80]} is not among the platforms", field=one.at("platforms")
        )
    if not on:
        message = f"{facts.name!a} is on no platform, so nothing can judge it"
        raise refuse("missing", message, field=one.at("platforms"))
    observed_on = tuple(str(name) for name in one.items("observed_on", limit=PLATFORMS_LIMIT))
    return PlacedGuest(facts=facts, platforms=tuple(sorted({str(name) for name in on})), observed_on=observed_on)


def _facts_of(one: Record, default: str, careful: bool) -> dict[str, object]:
    """What read_guest() makes of a guest that is stated in a scenario; refusals name its fields."""
    stated: dict[str, object] = {"name": default}
    for key, value in one.data.items():
        if key in _GUEST_ALIASES and one.has(_GUEST_ALIASES[key]):
            raise refuse("duplicate", f"{key} and {_GUEST_ALIASES[key]} are both given", field=one.at(key))
        if key not in ("config", "platforms", "facts", "notes", "evidence", "observed_on"):
            stated[_GUEST_ALIASES.get(key, key)] = value
    if stated.get("role") == "dom0":
        stated.setdefault("devices", True)
    files = []
    if one.has("config"):
        config = Record.of(one.data["config"], path=one.at("config"), known=("name", "text"))
        name = config.optional_text("name", limit=4 * NAME_LIMIT) or ".config"
        files.append({"role": "config", "name": name, "text": config.data.get("text")})
    try:
        return read_guest(stated, files, by="the scenario", careful=careful)
    except InvalidInput as fault:
        raise InvalidInput(*(problem._replace(field=_below(one, problem.field)) for problem in fault.found)) from fault


def _below(one: Record, field: str | None) -> str:
    """A field of what was made of a guest, as the one that was sent: its one file is the .config."""
    return one.at(field.replace("files[0]", "config")) if field else one.path
