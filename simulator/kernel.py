"""One definite behaviour of a guest: enough to follow every memory type that it maps under any layout."""

from typing import NamedTuple

from simulator import citations, guest
from simulator.boot import BootProblem, Setting, boot_problem
from simulator.driver import Need
from simulator.facts import GuestFacts
from simulator.finding import Confidence, weakest
from simulator.guest import Behaviour, Row
from simulator.hypervisor import XenModel
from simulator.memory_type import MemoryType
from simulator.pair import Target
from simulator.pat import POWER_ON, PatLayout, layout_of


class Off(NamedTuple):
    """PAT as a kernel runs without it: by what, whether WC is asked as UC-, and what it takes the layout for."""

    why: str
    cite: str


class Kernel(NamedTuple):
    """A guest whose every deciding fact is known.

    `own` is the layout that it programs, for HVM and PVH; `assumed` is the layout that it encodes for, where that is
    not the one in force. `uc_minus_for_wc` says why it asks for UC- in place of WC. `stated` are PAT indices that a
    person states: they win over the behaviour's.
    """

    label: str
    row: Row
    setting: Setting
    behaviour: Behaviour
    release: str = ""
    own: PatLayout | None = None
    own_why: str = ""
    assumed: PatLayout | None = None
    assumed_why: str = ""
    uc_minus_for_wc: str = ""
    stated: tuple[tuple[MemoryType, int], ...] = ()
    loses_pat_bit: bool = False
    loss_confidence: str = "verified"
    insists_on_wb: bool = False
    pat_disabled: tuple[str, ...] = ()  # all that makes pat_enabled() false
    i915_asks: str = ""  # pat_enabled or cpuid: what i915 of this release asks before it maps WC
    wb_of_mmio: str = ""  # uc-minus, wb or perhaps wb: what a WB request of device memory becomes without MTRRs
    hides_pat: bool = False
    errata_cpu: bool = False
    needs: tuple[Need, ...] = ()
    knows_drivers: bool = False
    drivers: tuple[tuple[str, bool], ...] = ()  # of CONSTRAINTS, each with whether it is certain
    problem: BootProblem | None = None
    is_newer: bool = False
    notes: tuple[str, ...] = ()

    @property
    def is_pv(self) -> bool:
        """Whether Xen's layout is the one that its page tables are walked under."""
        return self.own is None

    @property
    def confidence(self) -> Confidence:
        """How sure the rows are that it was taken from."""
        return weakest((self.row.confidence, self.loss_confidence))

    @property
    def is_resumable(self) -> bool:
        """Whether the guest may be saved and restored: a PV domU."""
        return self.is_pv and self.setting.role == "domU"

    def follows_layout(self, wanted: MemoryType) -> bool:
        """Whether the type is looked up in the layout: stated bits and fixed ones are not."""
        return self.behaviour.reads and wanted not in dict(self.stated)

    def asked(self, wanted: MemoryType) -> MemoryType:
        """The type that the kernel really asks for: UC- in place of WC where it has no PAT support."""
        return MemoryType.UC_MINUS if self.uc_minus_for_wc and wanted is MemoryType.WC else wanted

    def encode(self, wanted: MemoryType, layout: PatLayout) -> int | None:
        """The PAT index whose bits the kernel writes for a type; None if it has none, UNKNOWN if nobody knows.

        A kernel that reads the layout takes the lowest index of the type; where the
        layout lacks the type, its built-in default stays.

        Source: linux, init_cache_modes() and __cachemode2pte_tbl.
        """
        stated = dict(self.stated)
        if wanted in stated:
            return stated[wanted]
        return self.table_index(wanted, layout)

    def table_index(self, wanted: MemoryType, layout: PatLayout) -> int | None:
        """The index that the behaviour alone gives."""
        asked = self.asked(wanted)
        found = (self.assumed or layout).index_of(asked) if self.behaviour.reads else None
        return self.behaviour.indices.get(asked) if found is None else found

    def can_choose(self, wanted: MemoryType) -> bool:
        """Whether another encoding of a type is the kernel's to set."""
        return wanted in dict(self.stated) or (self.behaviour.is_free and self.asked(wanted) is wanted)

    def dies_under(self, layout: PatLayout) -> bool:
        """Whether the kernel stops at boot for want of WB in entry 0.

        Source: linux, update_cache_mode_entry(), BUG_ON().
        """
        return self.insists_on_wb and (self.assumed or layout).entries[0] is not MemoryType.WB

    def identity(self) -> list[object]:
        """What tells this behaviour from others, as plain data: labels are no part of it."""
        return [
            self.behaviour.key,
            [[one.word, index] for one, index in sorted(self.behaviour.indices.items())],
            list(self.setting),
            None if self.own is None else self.own.hex,
            None if self.assumed is None else self.assumed.hex,
            self.uc_minus_for_wc,
            [[one.word, index] for one, index in self.stated],
            self.loses_pat_bit,
            self.loss_confidence,
            self.insists_on_wb,
            self.pat_disabled,
            self.i915_asks,
            self.wb_of_mmio,
            self.hides_pat,
            self.errata_cpu,
            [[need.wanted.word, need.target.value, need.certain, need.why] for need in self.needs],
            self.knows_drivers,
            [list(one) for one in self.drivers],
            None if self.problem is None else self.problem.why,
            self.is_newer,
            list(self.notes),
        ]


def default_needs(setting: Setting) -> tuple[Need, ...]:
    """What every guest maps: ordinary memory, and ioremap()'s UC- where it drives devices."""
    memory = Need(MemoryType.WB, Target.RAM, "ordinary memory", True, "", (citations.SDM_METHODS,))
    if setting.mode == "pv" and not setting.devices:
        return (memory,)
    registers = Need(MemoryType.UC_MINUS, Target.MMIO, "ioremap()", True, "", (citations.LINUX_MEMTYPE,))
    return memory, registers


_BOTH = (MemoryType.WC, MemoryType.WT, MemoryType.WP)


def _needs(facts: GuestFacts, setting: Setting, row: Row) -> tuple[Need, ...]:
    """The default needs, and what drivers need.

    Of a guest of which nothing but its bits is known, the stated types are what it maps, besides ordinary memory.
    """
    defaults = default_needs(setting)[: 1 if row.family == "stated" else None]
    found = {(need.wanted, need.target): need for need in defaults}
    for need in facts.driver_needs(has_hardware=setting.mode != "pv" or setting.devices):
        known = found.get((need.wanted, need.target))
        if known is None or not known.certain:
            found[need.wanted, need.target] = need
    for wanted in (facts.encodings or {}) if row.family == "stated" else ():
        places = (Target.RAM,) if wanted is MemoryType.WB else (Target.MMIO,)
        for target in (Target.MMIO, Target.RAM) if wanted in _BOTH else places:
            if setting.mode != "pv" or setting.devices:
                found[wanted, target] = Need(wanted, target, "its bits are stated", True, "", (citations.STATED_BITS,))
    return tuple(found.values())


def make_kernel(facts: GuestFacts, setting: Setting, row: Row, xen: XenModel, *, label: str) -> Kernel:
    """The kernel of a row in a setting; PAT-bit loss is the caller's to set."""
    problem = boot_problem(facts, setting, row, xen)
    # Of a guest that cannot run so, what the row does otherwise: nothing is judged by it.
    behaviour = row.behaviour(setting.mode, setting.role) or row.native or row.domu or guest.NO_BITS
    kernel = Kernel(
        label=label,
        row=row,
        setting=setting,
        behaviour=behaviour,
        release=facts.release.text if facts.release else "",
        stated=tuple((facts.encodings or {}).items()),
        hides_pat=facts.hides_pat,
        errata_cpu=facts.errata_cpu,
        needs=_needs(facts, setting, row),
        knows_drivers=facts.knows_drivers,
        drivers=_constrained(facts),
        problem=problem,
    )
    kernel = _pv(kernel, facts, row) if setting.mode == "pv" else _own(kernel, facts, row)
    return _linux(kernel, facts, row) if row.family == "linux" else kernel


def _constrained(facts: GuestFacts) -> tuple[tuple[str, bool], ...]:
    found = ((key, facts.has_driver(key)) for key in ("i915", "nvidia-nv-pat"))
    return tuple((key, is_there is True) for key, is_there in found if is_there is not False)


def _series(row: Row, facts: GuestFacts) -> tuple[int, ...]:
    """The release's series where it lies in the row, else the row's first: what decides within a row."""
    release = facts.release
    if release is None or release.series < row.first_series:
        return row.first_series
    return release.series


def _has_rework_of_4_7(row: Row, facts: GuestFacts) -> bool:
    """Whether init_cache_modes() is the generic one: a guest without CPUID.PAT assumes the reset layout then."""
    series = _series(row, facts)
    carried = guest.REWORK_OF_4_7_STABLE.get(series)
    patch = facts.release.patch or 0 if facts.release is not None else 0
    return series >= guest.ASSUMES_RESET_SINCE or (carried is not None and patch >= carried)


def _pv(kernel: Kernel, facts: GuestFacts, row: Row) -> Kernel:
    """What a PV guest believes of the layout, besides its behaviour."""
    if row.family == "illumos" and facts.hides_pat:
        return kernel._replace(behaviour=guest.ILLUMOS_NO_PAT)
    if facts.booted_under is not None and kernel.behaviour.reads:
        kernel = kernel._replace(assumed=facts.booted_under, assumed_why="the layout that it booted under")
    if row.family == "linux" and facts.hides_pat and _has_rework_of_4_7(row, facts):
        kernel = kernel._replace(assumed=POWER_ON, assumed_why="CPUID.PAT is hidden, so it assumes the reset layout")
    return kernel


def _own(kernel: Kernel, facts: GuestFacts, row: Row) -> Kernel:
    """What an HVM or PVH guest programs into its own IA32_PAT."""
    key = row.errata if facts.errata_cpu and row.errata else row.layout
    native = row.errata_native if facts.errata_cpu and row.errata_native else kernel.behaviour
    own, why = (
        layout_of(key or "power-on"),
        f"{row.title} programs {'it' if key not in ('', 'power-on') else 'none: the reset value stays'}",
    )
    off = _native_off(facts, row)
    if off is not None:
        own, why = POWER_ON, f"{off.why}: the reset value stays"
        if facts.hides_mtrr and not _has_rework_of_4_7(row, facts):
            native = native._replace(reads=False)  # pat_init() is not called: the built-in table stays
    if facts.observed is not None:
        own, why = facts.observed, "the guest's boot log shows it"
    return kernel._replace(own=own, own_why=why, behaviour=native, notes=(off.why,) if off is not None else ())


def _native_off(facts: GuestFacts, row: Row) -> Off | None:
    """Why a native kernel leaves IA32_PAT alone; None if it programs its layout."""
    if facts.hides_pat:
        return Off("CPUID.PAT is hidden", citations.LINUX_PAT_OFF_4_2)
    if row.family != "linux" or row.layout == "power-on":
        return None
    if facts.without_pat:
        return Off(facts.without_pat, citations.LINUX_PAT_OFF_4_2)
    if facts.hides_mtrr and _series(row, facts) < guest.NEEDS_MTRR_BEFORE:
        return Off("it finds no MTRRs", citations.LINUX_INIT_CACHE_MODES)
    return None


def _linux(kernel: Kernel, facts: GuestFacts, row: Row) -> Kernel:
    """What only Linux does: BUG_ON at boot, UC- for WC without PAT, pat_enabled()."""
    series = _series(row, facts)
    why = _falls_back(kernel, facts, series)
    return kernel._replace(
        insists_on_wb=kernel.behaviour.reads,
        uc_minus_for_wc=why if kernel.behaviour.indices.get(MemoryType.WC) else "",
        pat_disabled=_pat_disabled(facts, kernel.setting, row),
        i915_asks=_i915_asks(series),
        wb_of_mmio=_wb_of_mmio(facts, kernel, series),
    )


def _i915_asks(series: tuple[int, ...]) -> str:
    if series >= guest.I915_ASKS_PAT_ENABLED_SINCE:
        return "pat_enabled"
    return "cpuid" if series >= guest.I915_ASKS_CPUID_SINCE else ""


def _wb_of_mmio(facts: GuestFacts, kernel: Kernel, series: tuple[int, ...]) -> str:
    """What a WB request of device memory becomes in a kernel that has PAT and no MTRR information; "" if it stays."""
    release, setting = facts.release, kernel.setting
    if release is None or release.series != series or (setting.mode == "pv" and not setting.devices):
        return ""
    if setting.mode != "pv":
        return "uc-minus" if facts.hides_mtrr and series >= guest.NEEDS_MTRR_BEFORE else ""
    if setting.role == "dom0" and (found := guest.takes_missing_mtrr_for_wb(release)):
        return found
    since, before = guest.WB_OF_MMIO_IS_UC_MINUS
    copied = guest.MTRR_COPY_STABLE.get(series)
    is_copied = facts.copies_mtrrs or (copied is not None and (release.patch or 0) >= copied)
    return "uc-minus" if since <= series < before and not is_copied else ""


def _falls_back(kernel: Kernel, facts: GuestFacts, series: tuple[int, ...]) -> str:
    """Why ioremap_wc() gives UC- before 4.2; "" if it gives WC.

    A missing MTRR does not: before 4.7 pat_init() is just not called, and pat_enabled stays 1.
    """
    if series >= guest.WC_NEEDS_PAT_BEFORE or MemoryType.WC in (facts.encodings or {}):
        return ""
    if facts.hides_pat and not kernel.is_pv:
        return "CPUID.PAT is hidden"
    return facts.without_pat


def _pat_disabled(facts: GuestFacts, setting: Setting, row: Row) -> tuple[str, ...]:
    """All that makes pat_enabled() false; () if it is true."""
    is_pv, series, reworked = setting.mode == "pv", _series(row, facts), _has_rework_of_4_7(row, facts)
    asks_mtrr = guest.PAT_ENABLED_FALSE_SINCE <= series <= guest.PAT_ENABLED_FIXED_IN
    reasons = (
        (facts.without_pat, bool(facts.without_pat)),
        ("CPUID.PAT is hidden", facts.hides_pat and (reworked or not is_pv)),
        ("it finds no MTRRs", facts.hides_mtrr and not is_pv and reworked and series < guest.NEEDS_MTRR_BEFORE),
        ("a PV guest has no MTRRs", is_pv and asks_mtrr and not _has_pat_enabled_fix(facts, series)),
    )
    return tuple(why for why, holds in reasons if holds)


def _has_pat_enabled_fix(facts: GuestFacts, series: tuple[int, ...]) -> bool:
    release = facts.release
    if facts.carries(guest.PAT_ENABLED_FIX):
        return True
    if release is None or release.series != series:
        return False
    if series == guest.PAT_ENABLED_FIXED_IN:
        return release.candidate is None or release.candidate >= guest.PAT_ENABLED_FIXED_CANDIDATE
    fixed = guest.PAT_ENABLED_FIXED_STABLE.get(series)
    return fixed is not None and (release.patch or 0) >= fixed
