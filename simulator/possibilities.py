"""Which behaviours the facts of a guest leave possible: one if they are complete."""

from collections.abc import Iterator
from typing import NamedTuple

from simulator import guest
from simulator.boot import Setting
from simulator.facts import GuestFacts
from simulator.guest import Choice, Row, choose_rows
from simulator.hypervisor import XenModel
from simulator.kernel import Kernel, make_kernel
from simulator.seen import place
from simulator.statement import MODES, ROLES

#: The families that a guest of unknown family may be of, where nothing is stated.
_LIKELY = ("linux", "xenlinux", "suse-xenlinux")


class Possibilities(NamedTuple):
    """The behaviours that the facts leave possible.

    `missing` are the facts that would decide, `gap` is where the tables end, `conflict` is which inputs contradict
    each other. `is_open` says that even agreement of the kernels decides nothing.
    """

    kernels: tuple[Kernel, ...]
    missing: tuple[str, ...] = ()
    gap: str = ""
    conflict: str = ""
    is_open: bool = False

    def identity(self) -> list[object]:
        """The possibilities as plain data, for digests."""
        kernels = [kernel.identity() for kernel in self.kernels]
        return [kernels, list(self.missing), self.gap, self.conflict, self.is_open]


def possibilities_of(facts: GuestFacts, xen: XenModel) -> Possibilities:
    """Every behaviour that a guest with these facts may show on a release of Xen."""
    settings = list(_settings(facts))
    parts = [
        _in(variant, setting, xen, prefix=f"{setting.title}, " if len(settings) > 1 else "")
        for variant in _variants(facts)
        for setting in settings
    ]
    kernels: dict[str, Kernel] = {}
    for kernel in (kernel for part in parts for kernel in part.kernels):
        kernels.setdefault(str(kernel.identity()), kernel)
    unknown = [key for key, value in (("mode", facts.mode), ("role", facts.role)) if value is None]
    if facts.devices is None and len({setting.devices for setting in settings}) > 1:
        unknown.append("devices")
    return Possibilities(
        kernels=tuple(kernels.values()),
        missing=tuple(dict.fromkeys([*unknown, *(key for part in parts for key in part.missing)])),
        gap=next((part.gap for part in parts if part.gap), ""),
        conflict=_conflict(facts),
        is_open=any(part.is_open for part in parts),
    )


def _settings(facts: GuestFacts) -> Iterator[Setting]:
    """Every mode and role that the facts allow; what is stated is never left out. A dom0 has devices."""
    for mode in (facts.mode,) if facts.mode else MODES:
        for role in (facts.role,) if facts.role else ROLES:
            if role == "domU":
                for devices in (False, True) if facts.devices is None else (facts.devices,):
                    yield Setting(mode, role, devices)
            elif (mode, role) != ("hvm", "dom0") or (facts.mode and facts.role):
                yield Setting(mode, role, devices=True)


def _variants(facts: GuestFacts) -> list[GuestFacts]:
    """The facts, once for each release that an input states, with and without a fix that a patch level hides."""
    stated = [facts, facts._replace(release=facts.config.release)] if facts.is_contradicted else [facts]
    return [variant for one in stated for variant in _with_and_without_fix(one)]


def _with_and_without_fix(facts: GuestFacts) -> list[GuestFacts]:
    release, is_linux = facts.release, facts.family in (None, "linux")
    if release is None or not is_linux or not guest.may_carry_pat_enabled_fix(release):
        return [facts]
    return [facts, facts._replace(patches=(*facts.patches, guest.PAT_ENABLED_FIX))]


def _conflict(facts: GuestFacts) -> str:
    header = facts.config.release
    if header is None or facts.release is None or not facts.is_contradicted:
        return ""
    where = place(facts.config.source, facts.config.release_line)
    return (
        f"the release is {facts.release.text} ({facts.release_by}), but {header.text} in the .config's header ({where})"
    )


def _in(facts: GuestFacts, setting: Setting, xen: XenModel, *, prefix: str) -> Possibilities:
    """The behaviours in one setting, of every family that is possible."""
    families, missing = _families(facts, setting)
    parts = [_of_family(facts, setting, xen, family, prefix) for family in families]
    return Possibilities(
        kernels=tuple(kernel for part in parts for kernel in part.kernels),
        missing=(*missing, *(key for part in parts for key in part.missing)),
        gap=next((part.gap for part in parts if part.gap), ""),
        is_open=any(part.is_open for part in parts),
    )


def _families(facts: GuestFacts, setting: Setting) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The families that are possible, and the facts that would tell which: release and mode exclude some."""
    if facts.family == "stated" and facts.encodings is None:
        return _LIKELY, ("encodings",)
    if facts.family is not None:
        return (facts.family,), ()
    known = ("linux", "stated") if facts.encodings is not None else _LIKELY
    possible = tuple(family for family in known if _may_be(family, facts, setting)) or ("linux",)
    return possible, ("family",) if len(possible) > 1 else ()


def _may_be(family: str, facts: GuestFacts, setting: Setting) -> bool:
    release, rows = facts.release, guest.rows_of(family)
    if all(row.behaviour(setting.mode, setting.role) is None for row in rows):
        return False
    if release is None or family == "stated":
        return True
    last = rows[-1].last_series
    return rows[0].first_series <= release.series and (last is None or release.series <= last)


def _of_family(facts: GuestFacts, setting: Setting, xen: XenModel, family: str, prefix: str) -> Possibilities:
    choice = choose_rows(family, facts.release, setting.mode)
    loss = guest.BitLoss(loses=False)
    if family == "linux" and not facts.carries(guest.LOSS_FIX):
        loss = guest.BitLoss(loses=None) if facts.release is None else guest.loses_pat_bit(facts.release)
    kernels = [kernel for row in choice.rows for kernel in _of_row(facts, setting, xen, row, choice, loss, prefix)]
    missing = ("release",) if facts.release is None and len(choice.rows) > 1 else ()
    gaps = [gap for gap in (choice.gap, loss.known, _fix_gap(facts)) if gap]
    return Possibilities(kernels=tuple(kernels), missing=missing, gap="; ".join(gaps), is_open=choice.is_open)


def _fix_gap(facts: GuestFacts) -> str:
    release = facts.release
    if facts.family not in (None, "linux") or release is None or not guest.may_carry_pat_enabled_fix(release):
        return ""
    return f"{release.text} does not say whether it has {guest.PAT_ENABLED_FIX}, which makes pat_enabled() true"


def _of_row(
    facts: GuestFacts, setting: Setting, xen: XenModel, row: Row, choice: Choice, loss: guest.BitLoss, prefix: str
) -> Iterator[Kernel]:
    is_one = facts.release is not None and len(choice.rows) == 1
    title = f"{guest.FAMILY_TITLES[row.family]} {facts.release.text}" if is_one and facts.release else row.title
    kernel = make_kernel(facts, setting, row, xen, label=prefix + title)._replace(is_newer=choice.is_newer)
    may_lose = kernel.behaviour.reads
    for loses in (True, False) if may_lose and loss.loses is None else (may_lose and bool(loss.loses),):
        tell = f", {'losing' if loses else 'keeping'} the PAT bit" if may_lose and loss.loses is None else ""
        confidence = loss.confidence if may_lose else "verified"
        yield kernel._replace(label=kernel.label + tell, loses_pat_bit=loses, loss_confidence=confidence)
