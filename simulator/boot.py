"""Whether a kernel can boot in a mode at all: by its family, its release, its .config and Xen's release."""

from typing import NamedTuple

from simulator import citations
from simulator.facts import GuestFacts
from simulator.finding import Verdict
from simulator.guest import FAMILY_TITLES, Row
from simulator.hypervisor import PVH, XenModel

ANY_RELEASE = (0,)


class Setting(NamedTuple):
    """One way in which a guest may run."""

    mode: str
    role: str
    devices: bool

    @property
    def kind(self) -> str:
        """As in `PV domU`."""
        return f"{self.mode.upper()} {self.role}"

    @property
    def title(self) -> str:
        """As in `PV domU with devices`."""
        return self.kind if self.role == "dom0" else f"{self.kind} {'with' if self.devices else 'without'} devices"


class BootProblem(NamedTuple):
    """Why a kernel does not boot in a setting (incompatible), or may not (indeterminate), and what would do."""

    why: str
    fix: str
    cite: str
    verdict: Verdict = Verdict.INCOMPATIBLE


class Need(NamedTuple):
    """A symbol without which a kernel cannot boot in some mode and role.

    It is needed from `since` on. Where a whole .config does not name it, it is off from `absent_since` on; None where
    absence says nothing.
    """

    mode: str
    role: str | None
    symbol: str
    since: tuple[int, ...] = ANY_RELEASE
    absent_since: tuple[int, ...] | None = None
    absent_before: tuple[int, ...] | None = None


def _need(mode: str, role: str | None, symbol: str, **more: tuple[int, ...]) -> Need:
    return Need(mode, role, f"CONFIG_{symbol}", **more)


# Source: linux, arch/x86/xen/Kconfig.
#          mode   role    symbol
LINUX_NEEDS = (
    _need("pv", None, "XEN", absent_since=(2, 6, 23), absent_before=(4, 12)),
    _need("pv", None, "XEN_PV", absent_since=(4, 12)),
    _need("pv", None, "X86_64", since=(5, 9), absent_since=(5, 9)),
    _need("pv", None, "HYPERVISOR_GUEST"),
    _need("pv", None, "PARAVIRT_GUEST"),
    _need("pv", None, "PARAVIRT"),
    _need("pv", "dom0", "XEN_DOM0", absent_since=(3, 0)),
    _need("pv", "dom0", "XEN_PV_DOM0"),
    _need("pvh", None, "XEN"),
    _need("pvh", None, "XEN_PVH", absent_since=(4, 14)),
    _need("pvh", None, "HYPERVISOR_GUEST"),
    _need("pvh", "dom0", "XEN_DOM0", absent_since=(3, 0)),
)
XENLINUX_NEEDS = (
    _need("pv", None, "XEN"),
    _need("pv", "dom0", "XEN_PRIVILEGED_GUEST"),
)
_NEEDS = {
    "linux": LINUX_NEEDS,
    "linux-jeremy": LINUX_NEEDS,
    "xenlinux": XENLINUX_NEEDS,
    "suse-xenlinux": XENLINUX_NEEDS,
}

#: PVH as it is today in Linux; before that a first try of it, and before that none.
PVH_SINCE = (4, 14)
PVH_ABSENT_UP_TO = (3, 6)

_BUILD = "build the kernel with the symbol, or state the mode that it boots in"
_MODE = "state the mode that it boots in"


def boot_problem(facts: GuestFacts, setting: Setting, row: Row, xen: XenModel) -> BootProblem | None:
    """Why a kernel of a row cannot boot in a setting; None if nothing says so."""
    if (setting.mode, setting.role) == ("hvm", "dom0"):
        return BootProblem("Xen starts no dom0 in mode HVM", _MODE, citations.XEN_PVH)
    if row.behaviour(setting.mode, setting.role) is None:
        title = FAMILY_TITLES[row.family].rstrip(",")
        return BootProblem(f"{title} cannot boot as a {setting.kind}", _MODE, row_cite(row))
    lacking = next((need for need in _NEEDS.get(row.family, ()) if _lacks(facts, setting, need)), None)
    if lacking is not None:
        why = f"{facts.config.where(lacking.symbol)}, so this kernel cannot boot as a {setting.kind}"
        return BootProblem(why, _BUILD, citations.LINUX_KCONFIG)
    refused = _refused_image(facts, setting)
    if refused is not None:
        return refused
    if setting.mode == "pvh":
        return _pvh_of_linux(facts, row) or _pvh_of_xen(xen)
    return None


def _refused_image(facts: GuestFacts, setting: Setting) -> BootProblem | None:
    """Why Xen would not take the image that was sent; None if it would, or if none was sent."""
    abilities = facts.image.abilities if facts.image is not None else {}
    for way in (setting.mode, *(["dom0"] if setting.role == "dom0" else [])):
        if facts.image is not None and way in abilities and not abilities[way].able:
            why = f"Xen does not take this image as a {setting.kind}: {abilities[way].why} ({facts.image.source})"
            return BootProblem(why, f"send the image that is booted, or {_MODE}", citations.XEN_LIBELF)
    return None


def row_cite(row: Row) -> str:
    """Where the row's behaviour was read."""
    known = next(one for one in (row.domu, row.dom0, row.native) if one is not None)
    return known.cite


def _lacks(facts: GuestFacts, setting: Setting, need: Need) -> bool:
    if need.mode != setting.mode or need.role not in (None, setting.role):
        return False
    release = facts.release or facts.config.release
    series = release.series if release is not None else ANY_RELEASE
    since, before = need.absent_since, need.absent_before
    may_be_absent = since is not None and since <= series and (before is None or series < before)
    return need.since <= series and facts.config.is_off(need.symbol, may_be_absent=may_be_absent)


def _pvh_of_linux(facts: GuestFacts, row: Row) -> BootProblem | None:
    release = facts.release
    if row.family not in ("linux", "linux-jeremy") or release is None or release.series >= PVH_SINCE:
        return None
    fix = "run Linux 4.14 or later"
    if release.series <= PVH_ABSENT_UP_TO:
        return BootProblem(f"Linux {release.text} has no PVH support", fix, citations.LINUX_PVH)
    why = (
        f"Linux {release.text} lies between 3.6, which has no PVH, and 4.14, the first tree read with the PVH of today"
    )
    return BootProblem(why, fix, citations.LINUX_PVH, Verdict.INDETERMINATE)


def _pvh_of_xen(xen: XenModel) -> BootProblem | None:
    word, _, cite = PVH.at(xen.series)
    fix = f"run Xen 4.10 or later, or {_MODE}"
    if word == "absent":
        return BootProblem(f"{xen.title} has no PVH", fix, cite)
    if word == "early":
        why = f"{xen.title} has an early PVH, which 4.10 replaced, and not every kernel boots in it"
        return BootProblem(why, fix, cite, Verdict.INDETERMINATE)
    return None
