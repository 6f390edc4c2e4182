"""Whether a kernel can boot in a mode at all, by its .config and its release."""

from collections.abc import Iterator
from dataclasses import dataclass

from simulator import citations
from simulator.facts import GuestFacts
from simulator.finding import Severity, Verdict
from simulator.guest import PORT_SERIES, may_be
from simulator.hazard import Hazard
from simulator.inputs.kernel_release import KernelRelease

ANY_RELEASE = (0,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One way in which a guest may run; a dom0 has devices, PVH and HVM guests have None here."""

    mode: str
    role: str
    devices: bool | None

    @property
    def kind(self) -> str:
        """As in `PV domU`."""
        return f"{self.mode.upper()} {self.role}"

    @property
    def title(self) -> str:
        """As in `PV domU with devices`."""
        if self.role == "dom0" or self.devices is None:
            return self.kind
        return f"{self.kind} {'with' if self.devices else 'without'} devices"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A symbol without which a kernel cannot boot in some mode and role.

    It is needed from `since` on. Where a whole .config does not name it, it is
    off from `absent_since` on; None where absence says nothing.
    """

    mode: str
    role: str | None
    symbol: str
    since: tuple[int, ...] = ANY_RELEASE
    absent_since: tuple[int, ...] | None = None
    absent_before: tuple[int, ...] | None = None


def _need(mode: str, role: str | None, symbol: str, **more: tuple[int, ...]) -> Need:
    return Need(mode=mode, role=role, symbol=f"CONFIG_{symbol}", **more)


# Source: linux, arch/x86/xen/Kconfig.
#          mode   role    symbol
_LINUX = (
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
_XENLINUX = (
    _need("pv", None, "XEN"),
    _need("pv", "dom0", "XEN_PRIVILEGED_GUEST"),
)

#: PVH as it is today; before that a first try of it, and before that none.
PVH_SINCE = (4, 14)
PVH_ABSENT_UP_TO = (3, 6)


def boot_hazards(facts: GuestFacts, setting: Setting) -> Iterator[Hazard]:
    """Why this kernel cannot boot in a setting; nothing if nothing says so."""
    if (setting.mode, setting.role) == ("hvm", "dom0"):
        yield _hazard(setting, "Xen starts no dom0 in mode HVM", "state the mode that it boots in")
        return
    release = facts.release
    is_port = facts.family in PORT_SERIES or (facts.family is None and not may_be("linux", release))
    if is_port and setting.mode == "pvh":
        yield _hazard(setting, "XenLinux has no PVH support", "run Linux 4.14 or later", cite=citations.LINUX_PVH)
        return
    needs = _XENLINUX if is_port else _LINUX
    lacking = next((need for need in needs if _lacks(facts, setting, need)), None)
    if lacking is not None:
        message = f"{facts.config.where(lacking.symbol)}, so this kernel cannot boot as a {setting.kind}"
        yield _hazard(setting, message, "build the kernel with the symbol, or state the mode that it boots in")
    elif setting.mode == "pvh" and facts.family != "stated" and release is not None:
        yield from _pvh(setting, release)


def _lacks(facts: GuestFacts, setting: Setting, need: Need) -> bool:
    if need.mode != setting.mode or need.role not in (None, setting.role):
        return False
    release = facts.release or facts.config.release
    series = release.series if release is not None else ANY_RELEASE
    since, before = need.absent_since, need.absent_before
    may_be_absent = since is not None and since <= series and (before is None or series < before)
    return need.since <= series and facts.config.is_off(need.symbol, may_be_absent=may_be_absent)


def _pvh(setting: Setting, release: KernelRelease) -> Iterator[Hazard]:
    if release.series >= PVH_SINCE:
        return
    is_absent = release.series <= PVH_ABSENT_UP_TO
    why = (
        "has no PVH support"
        if is_absent
        else "lies between 3.6, which has no PVH, and 4.14, the first tree read with the PVH of today"
    )
    verdict = Verdict.INCOMPATIBLE if is_absent else Verdict.INDETERMINATE
    yield _hazard(setting, f"Linux {release.text} {why}", "run Linux 4.14 or later", verdict, citations.LINUX_PVH)


def _hazard(
    setting: Setting,
    message: str,
    fix: str,
    verdict: Verdict = Verdict.INCOMPATIBLE,
    cite: str = citations.LINUX_KCONFIG,
) -> Hazard:
    fails = "cannot boot" if verdict is Verdict.INCOMPATIBLE else "may not boot"
    return Hazard(
        rule="EVI010",
        verdict=verdict,
        severity=Severity.FUNCTION,
        title=f"The kernel {fails} in the stated mode",
        message=message,
        headline=message,
        cite=cite,
        fix=fix,
    )


def tables_as_data() -> object:
    """The tables of this module as plain data, for the digest of the rules."""
    needs = {"linux": _LINUX, "xenlinux": _XENLINUX}
    return {
        "needs": {
            family: [
                [need.mode, need.role, need.symbol, *map(_series, (need.since, need.absent_since, need.absent_before))]
                for need in rows
            ]
            for family, rows in needs.items()
        },
        "pvh": [_series(PVH_SINCE), _series(PVH_ABSENT_UP_TO)],
    }


def _series(series: tuple[int, ...] | None) -> list[int] | None:
    return None if series is None else list(series)
