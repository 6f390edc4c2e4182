"""What a run is asked: platforms, guests, and what is proposed."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from simulator.canonical import digest
from simulator.effective import Vendor
from simulator.facts import GuestFacts, read_facts
from simulator.hypervisor import XenModel, parse_release
from simulator.inputs.layout import read_layout
from simulator.inputs.record import Record
from simulator.pat import PatLayout, name_of
from simulator.possibilities import Possibilities, possibilities_of
from simulator.problem import refuse

KINDS = ("layout", "guest")
PLATFORMS_LIMIT = 100
GUESTS_LIMIT = 20_000

_SCENARIO_KEYS = ("kind", "platforms", "proposed", "guests")
_PLATFORM_KEYS = ("name", "hypervisor", "release", "cpu_vendor", "layout", "layout_name")
_PROPOSED_KEYS = ("platform", "layout")
_GUEST_KEYS = ("platforms", "name", "facts", "notes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """A hypervisor release with the layout in force and, where one is proposed, the new one."""

    name: str
    xen: XenModel
    vendor: Vendor
    layout: PatLayout
    layout_name: str
    proposed: PatLayout | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedGuest:
    """A guest and the platforms that it runs on."""

    facts: GuestFacts
    platforms: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Everything that a run looks at."""

    kind: str
    platforms: tuple[Platform, ...]
    guests: tuple[PlacedGuest, ...]


@dataclass(slots=True, kw_only=True)
class GuestClass:
    """Guests that encode and need the same on one platform: judged once, for all members."""

    key: str
    platform: str
    facts: GuestFacts
    possibilities: Possibilities
    members: list[str] = field(default_factory=list)
    systems: dict[str, tuple[int, ...]] = field(default_factory=dict)
    has_config: bool = False  # whether a .config was sent for any member

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


_FAMILY_TITLES = {
    "linux": "Linux",
    "xenlinux": "XenLinux",
    "suse-xenlinux": "SUSE XenLinux",
    "stated": "stated encodings",
}


def kind_of(facts: GuestFacts) -> str:
    """Which kind of guest, as in `PV dom0` or `PV domU with devices`."""
    mode = facts.mode.upper() if facts.mode else "PV, PVH or HVM"
    if facts.role != "domU":
        return f"{mode} {facts.role or 'guest'}"
    if facts.mode != "pv":
        return f"{mode} domU"
    devices = {True: "domU with devices", False: "domU without devices", None: "domU, devices unknown"}
    return f"{mode} {devices[facts.devices]}"


def system_of(facts: GuestFacts) -> str:
    """Which system a guest runs, as in `Linux 6.12.117`."""
    family = _FAMILY_TITLES.get(facts.family or "", "family unknown")
    if facts.family is None and facts.release is not None:
        return f"kernel {facts.release.text}, family unknown"
    if facts.release is not None:
        return f"{family} {facts.release.text}"
    return f"{family}, release unknown" if facts.family == "linux" else family


def describe_guest(data: object) -> str:
    """What a guest is in a few words, from its facts as plain data: `PV dom0, Linux 6.12.117`.

    Raises InvalidInput for data that is no guest's facts.
    """
    facts = read_facts(Record.of(data, path="", known=_GUEST_KEYS))
    return f"{kind_of(facts)}, {system_of(facts)}"


def classes_on(platform: Platform, guests: Sequence[PlacedGuest]) -> list[GuestClass]:
    """The guests of a platform, folded to classes; sorted by title, members sorted."""
    classes: dict[str, GuestClass] = {}
    for placed in guests:
        if platform.name in placed.platforms:
            one = _class_of(platform, placed.facts)
            known = classes.setdefault(one.key, one)
            known.members.append(placed.facts.name)
            known.has_config = known.has_config or bool(placed.facts.config.source)
            release = placed.facts.release
            known.systems[system_of(placed.facts)] = (*release.series, release.patch or 0) if release else ()
    for known in classes.values():
        known.members.sort()
    return sorted(classes.values(), key=lambda known: (known.title, known.key))


def _class_of(platform: Platform, facts: GuestFacts) -> GuestClass:
    found = possibilities_of(facts)
    profile = [platform.name, kind_of(facts), facts.family, found.as_data()]
    return GuestClass(key="c-" + digest("class", profile)[:8], platform=platform.name, facts=facts, possibilities=found)


def read_scenario(data: object) -> Scenario:
    """The scenario of plain data, in an order of its own.

    Raises InvalidInput, naming the field, for all data that is none.
    """
    record = Record.of(data, path="", known=_SCENARIO_KEYS)
    kind = record.word("kind", KINDS)
    if kind is None:
        raise refuse("missing", "is missing: layout or guest", field="kind")
    platforms = _read_platforms(record)
    names = {platform.name for platform in platforms}
    if kind == "layout":
        platforms = [_with_proposal(record, platforms)]
    elif record.has("proposed"):
        raise refuse("unknown_field", "a guest scenario proposes no layout", field="proposed")
    guests = _read_guests(record, names)
    return Scenario(
        kind=kind,
        platforms=tuple(sorted(platforms, key=lambda platform: platform.name)),
        guests=tuple(sorted(guests, key=lambda placed: placed.facts.name)),
    )


def _read_platforms(record: Record) -> list[Platform]:
    platforms: dict[str, Platform] = {}
    for position, item in enumerate(record.items("platforms", limit=PLATFORMS_LIMIT)):
        platform = _read_platform(Record.of(item, path=f"platforms[{position}]", known=_PLATFORM_KEYS))
        if platform.name in platforms:
            raise refuse("duplicate", f"{platform.name!a} is given twice", field=f"platforms[{position}].name")
        platforms[platform.name] = platform
    if not platforms:
        raise refuse("missing", "no platform is given, so there is nothing to judge by", field="platforms")
    return list(platforms.values())


def _read_platform(record: Record) -> Platform:
    if record.text("hypervisor") != "xen":
        raise refuse("unknown_word", "xen is the only hypervisor known", field=record.at("hypervisor"))
    layout = read_layout(record.data.get("layout"), field=record.at("layout")).layout
    vendor = record.word("cpu_vendor", tuple(Vendor)) or Vendor.ANY
    return Platform(
        name=record.text("name"),
        xen=parse_release(record.text("release"), field=record.at("release")),
        vendor=Vendor(vendor),
        layout=layout,
        layout_name=record.optional_text("layout_name") or name_of(layout),
    )


def _with_proposal(record: Record, platforms: list[Platform]) -> Platform:
    proposed = Record.of(record.data.get("proposed"), path="proposed", known=_PROPOSED_KEYS)
    name = proposed.text("platform")
    layout = read_layout(proposed.data.get("layout"), field="proposed.layout").layout
    for one in platforms:
        if one.name == name:
            return replace(one, proposed=layout)
    raise refuse("unknown_platform", f"{name!a} is not among the platforms", field="proposed.platform")


def _read_guests(record: Record, names: set[str]) -> list[PlacedGuest]:
    guests: dict[str, PlacedGuest] = {}
    for position, item in enumerate(record.items("guests", limit=GUESTS_LIMIT)):
        one = Record.of(item, path=f"guests[{position}]", known=_GUEST_KEYS)
        facts = read_facts(one)
        if facts.name in guests:
            raise refuse("duplicate", f"{facts.name!a} is given twice", field=one.at("name"))
        on = one.items("platforms", limit=PLATFORMS_LIMIT)
        unknown = [name for name in on if not isinstance(name, str) or name not in names]
        if unknown:
            raise refuse(
                "unknown_platform", f"{ascii(unknown[0])[:80]} is not among the platforms", field=one.at("platforms")
            )
        if not on:
            raise refuse(
                "missing", f"{facts.name!a} is on no platform, so nothing can judge it", field=one.at("platforms")
            )
        guests[facts.name] = PlacedGuest(facts=facts, platforms=tuple(sorted({str(name) for name in on})))
    return list(guests.values())
