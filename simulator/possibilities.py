"""Which behaviours the facts of a guest leave possible: one if they are complete."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from simulator import guest
from simulator.boot import Setting, boot_hazards
from simulator.facts import GuestFacts, place
from simulator.guest import Behaviour, LinuxRow
from simulator.hazard import Hazard, newer, pat_disabled, pat_fix, refused
from simulator.inputs.guest_facts import MODES, ROLES
from simulator.inputs.kernel_release import KernelRelease
from simulator.memory_type import MemoryType
from simulator.profile import Profile, in_order, parse_types, stated_profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Possibilities:
    """The behaviours that the facts leave possible.

    `missing` are the facts that would decide, `gap` is where the tables end,
    `conflict` is which inputs contradict each other. `is_open` says that even
    agreement of the profiles decides nothing.
    """

    profiles: tuple[Profile, ...]
    missing: tuple[str, ...] = ()
    gap: str = ""
    conflict: str = ""
    is_open: bool = False

    def as_data(self) -> list[object]:
        """The possibilities as plain data, for digests."""
        profiles = [profile.as_data() for profile in self.profiles]
        return [profiles, list(self.missing), self.gap, self.conflict, self.is_open]


def possibilities_of(facts: GuestFacts) -> Possibilities:
    """Every behaviour that a guest with these facts may show."""
    settings = list(_settings(facts))
    parts = [
        _in(variant, setting, prefix=f"{setting.title}, " if len(settings) > 1 else "")
        for variant in _variants(facts)
        for setting in settings
    ]
    profiles: dict[str, Profile] = {}
    for profile in (profile for part in parts for profile in part.profiles):
        profiles.setdefault(str(profile.as_data()), profile)
    unknown = [key for key, value in (("mode", facts.mode), ("role", facts.role)) if value is None]
    may_lack_devices = any(setting.devices is False for setting in settings)
    if facts.devices is None and may_lack_devices:
        unknown.append("devices")
    return Possibilities(
        profiles=tuple(profiles.values()),
        missing=tuple(dict.fromkeys([*unknown, *(key for part in parts for key in part.missing)])),
        gap=next((part.gap for part in parts if part.gap), ""),
        conflict=_conflict(facts),
        is_open=any(part.is_open for part in parts),
    )


def _settings(facts: GuestFacts) -> Iterator[Setting]:
    """Every mode and role that the facts allow; what is stated is never left out."""
    for mode in (facts.mode,) if facts.mode else MODES:
        for role in (facts.role,) if facts.role else ROLES:
            if mode == "pv" and role == "domU":
                for devices in (False, True) if facts.devices is None else (facts.devices,):
                    yield Setting(mode=mode, role=role, devices=devices)
            elif (mode, role) != ("hvm", "dom0") or (facts.mode and facts.role):
                yield Setting(mode=mode, role=role, devices=True if mode == "pv" else None)


def _variants(facts: GuestFacts) -> tuple[GuestFacts, ...]:
    """The facts, once for each release that an input states."""
    return (facts, replace(facts, release=facts.config.release)) if facts.is_contradicted else (facts,)


def _conflict(facts: GuestFacts) -> str:
    header = facts.config.release
    if header is None or facts.release is None or not facts.is_contradicted:
        return ""
    where = place(facts.config.source, facts.config.release_line)
    return (
        f"the release is {facts.release.text} ({facts.release_by}), but {header.text} in the .config's header ({where})"
    )


def _in(facts: GuestFacts, setting: Setting, *, prefix: str) -> Possibilities:
    """The behaviours in one setting, each with what the setting itself threatens."""
    if setting.mode != "pv":
        own = Profile(label="with a PAT of its own", behaviour=guest.OWN_PAT, is_pvh=setting.mode == "pvh")
        found = Possibilities(profiles=(own,))
    elif setting.devices:
        found = _privileged(facts, setting)
    else:
        found = _plain(facts)
    hazards = tuple(boot_hazards(facts, setting))
    profiles = tuple(
        replace(profile, label=prefix + profile.label, hazards=(*hazards, *profile.hazards))
        for profile in found.profiles
    )
    return replace(found, profiles=profiles)


def _families(facts: GuestFacts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The families that are possible, and the facts that would tell which: a release excludes some."""
    if facts.family in ("linux", *guest.PORT_SERIES):
        return (str(facts.family),), ()
    if facts.encodings is not None and facts.family == "stated":
        return ("stated",), ()
    known = ("linux", "stated") if facts.encodings is not None else ("linux", *guest.PORT_SERIES)
    if facts.family == "stated":
        return known, ("encodings",)
    possible = tuple(family for family in known if guest.may_be(family, facts.release)) or ("linux",)
    return possible, ("family",) if len(possible) > 1 else ()


# A PV domU without devices


def _plain(facts: GuestFacts) -> Possibilities:
    """What a guest is to which Xen refuses all cache bits."""
    families, missing = _families(facts)
    stated = tuple((facts.encodings or {}).items())
    found = [Possibilities(profiles=(_unprivileged("not Linux 3.19 or later", stated),))]
    if "linux" in families:
        found = [_plain_linux(facts, stated), *(found if len(families) > 1 else ())]
    return _merge(found, missing)


def _plain_linux(facts: GuestFacts, stated: tuple[tuple[MemoryType, int], ...]) -> Possibilities:
    rows = _rows_of(facts.release)
    profiles = []
    for row in rows.rows:
        kept = tuple((wanted, index) for wanted, index in row.driver_domain.indices.items() if index)
        bits = stated or (kept if row.driver_domain is guest.STRIPS_PCD else ())
        profiles.append(replace(_unprivileged(rows.title_of(row), bits), insists_on_wb=_insists(row)))
    missing = () if facts.release else ("release",)
    return Possibilities(profiles=tuple(profiles), missing=missing, gap=rows.gap, is_open=rows.is_open)


def _unprivileged(label: str, bits: tuple[tuple[MemoryType, int], ...]) -> Profile:
    """A plain domU, and what becomes of it if it maps memory with the bits that it has for a type."""
    hazards = tuple(refused(wanted, index) for wanted, index in bits if index)
    return Profile(label=label, behaviour=guest.UNPRIVILEGED, wants=(MemoryType.WB,), hazards=hazards)


# A PV guest that may set cache bits


def _privileged(facts: GuestFacts, setting: Setting) -> Possibilities:
    families, missing = _families(facts)
    makers = {"linux": _linux, "xenlinux": _xenlinux, "suse-xenlinux": _suse, "stated": _stated}
    return _merge([makers[family](facts, setting) for family in families], missing)


def _merge(found: list[Possibilities], missing: tuple[str, ...]) -> Possibilities:
    return Possibilities(
        profiles=tuple(profile for part in found for profile in part.profiles),
        missing=(*missing, *(key for part in found for key in part.missing)),
        gap=next((part.gap for part in found if part.gap), ""),
        is_open=any(part.is_open for part in found),
    )


def _stated(facts: GuestFacts, setting: Setting) -> Possibilities:
    bits = tuple((facts.encodings or {}).items())
    one = stated_profile("a kernel with the stated bits", bits, is_resumable=setting.role == "domU")
    return Possibilities(profiles=(one,))


def _xenlinux(facts: GuestFacts, setting: Setting) -> Possibilities:
    return _port(facts, setting, "xenlinux", "XenLinux", guest.XENLINUX, guest.XENLINUX_WANTS)


def _suse(facts: GuestFacts, setting: Setting) -> Possibilities:
    return _port(facts, setting, "suse-xenlinux", "SUSE XenLinux", guest.SUSE, guest.SUSE_WANTS)


def _port(
    facts: GuestFacts, setting: Setting, family: str, title: str, behaviour: Behaviour, wants: str
) -> Possibilities:
    """A port of old; a release outside of those that were read decides nothing."""
    profile = _make(title, behaviour, wants, facts, setting)
    first, last = guest.PORT_SERIES[family]
    release = facts.release
    if release is None or guest.may_be(family, release) or facts.family != family:
        return Possibilities(profiles=(profile,))
    read = first if first == last else f"{first} to {last}"
    gap = f"{title} {release.text} was not read; {title} {read} was"
    return Possibilities(profiles=(profile,), gap=gap, is_open=True)


def _make(label: str, behaviour: Behaviour, wants: str, facts: GuestFacts, setting: Setting) -> Profile:
    stated = facts.encodings or {}
    return Profile(
        label=label,
        behaviour=behaviour,
        wants=in_order(parse_types(wants), tuple(stated)),
        stated=tuple(stated.items()),
        is_resumable=setting.role == "domU",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """The rows that a release may belong to, and the gap that it lies in."""

    rows: tuple[LinuxRow, ...]
    release: KernelRelease | None = None
    gap: str = ""
    is_open: bool = False

    def title_of(self, row: LinuxRow) -> str:
        """The release where it is in one row alone, else the row."""
        return f"Linux {self.release.text}" if self.release is not None and len(self.rows) == 1 else row.title


def _rows_of(release: KernelRelease | None) -> _Rows:
    rows = guest.LINUX_ROWS
    if release is None:
        return _Rows(rows=tuple(row for row in rows if row.first_series >= guest.UNKNOWN_SINCE))
    position = max((at for at, row in enumerate(rows) if row.first_series <= release.series), default=-1)
    if position < 0:
        gap = f"Linux {release.text} is older than {rows[0].first}, the oldest tree that was read"
        return _Rows(rows=rows[:1], release=release, gap=gap, is_open=True)
    row = rows[position]
    if position > 0 and release.series == row.first_series and release.candidate is not None:
        before = rows[position - 1]
        gap = f"Linux {release.text} lies between {before.last} and {row.first}, the trees that were read"
        return _Rows(rows=(before, row), release=release, gap=gap)
    return _Rows(rows=(row,), release=release)


def _insists(row: LinuxRow) -> bool:
    return row.first_series >= guest.INSISTS_ON_WB_SINCE


def _linux(facts: GuestFacts, setting: Setting) -> Possibilities:
    release = facts.release
    found = _rows_of(release)
    loss = guest.BitLoss(loses=None) if release is None else guest.loses_pat_bit(release)
    if facts.carries(guest.LOSS_FIX):
        loss = guest.BitLoss(loses=False)
    gaps = [gap for gap in (found.gap, loss.known) if gap]
    profiles = []
    for row in found.rows:
        title = found.title_of(row)
        behaviours = _behaviours(row, release, setting)
        if len(behaviours) > 1 and release is not None:
            gaps.append(f"two trees are called Linux {release.series_text}.x, and only one of them translates WC")
        losses = (True, False) if _insists(row) and loss.loses is None else (_insists(row) and bool(loss.loses),)
        for behaviour in behaviours:
            label = title if len(behaviours) == 1 else f"{title} that {behaviour.title}"
            one = _linux_profile(label, row, behaviour, facts, setting)
            profiles += [_with_loss(one, loses, tell=len(losses) > 1) for loses in losses]
    missing = () if release is not None else ("release",)
    return Possibilities(profiles=tuple(profiles), missing=missing, gap="; ".join(gaps), is_open=found.is_open)


def _behaviours(row: LinuxRow, release: KernelRelease | None, setting: Setting) -> tuple[Behaviour, ...]:
    if setting.role == "domU":
        return (row.driver_domain,)
    has_patch = release is not None and (release.hides_patch or release.patch is not None)
    if release is not None and has_patch and release.series in guest.TRANSLATING_TREES:
        return row.dom0, guest.TRANSLATES
    return (row.dom0,)


def _with_loss(profile: Profile, loses: bool, *, tell: bool) -> Profile:
    label = profile.label + (f", {'losing' if loses else 'keeping'} the PAT bit" if tell else "")
    return replace(profile, label=label, loses_pat_bit=loses)


def _linux_profile(label: str, row: LinuxRow, behaviour: Behaviour, facts: GuestFacts, setting: Setting) -> Profile:
    falls_back = row.first_series < guest.NOPAT_FALLS_BACK_BEFORE
    sets_wc = bool(behaviour.indices.get(MemoryType.WC)) and MemoryType.WC not in (facts.encodings or {})
    return replace(
        _make(label, behaviour, row.wants, facts, setting),
        without_pat=facts.without_pat if falls_back and sets_wc else "",
        insists_on_wb=_insists(row),
        hazards=() if falls_back else tuple(_drivers(facts)),
    )


def _drivers(facts: GuestFacts) -> Iterator[Hazard]:
    """What Linux 4.2 and later may meet besides encodings: drivers that ask for PAT, a release that nobody read."""
    release = facts.release
    if release is not None and release.series > guest.NEWEST_SERIES:
        yield newer(release)
    series = release.series if release is not None else guest.PAT_ENABLED_ASKED_SINCE
    is_candidate = series == guest.PAT_ENABLED_FALSE_BEFORE and release is not None and release.candidate is not None
    is_asked = series >= guest.PAT_ENABLED_ASKED_SINCE
    if facts.without_pat:
        yield pat_disabled(f"is false ({facts.without_pat})", pat_fix(facts.without_pat), is_asked=is_asked)
    elif release is None or facts.carries(guest.PAT_ENABLED_FIX):
        return
    elif is_asked and (series < guest.PAT_ENABLED_FALSE_BEFORE or is_candidate):
        may_be = f"may be false (Linux {release.text} under Xen PV) unless it carries {guest.PAT_ENABLED_FIX}"
        fix = f"run a kernel with {guest.PAT_ENABLED_FIX} (6.0 and later have it)"
        yield pat_disabled(may_be, fix, is_asked=True)
