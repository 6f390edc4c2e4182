"""DRV: what drivers insist on, and what is known of which drivers there are."""

from collections.abc import Iterator

from simulator import citations
from simulator.driver import WC_AT_1
from simulator.finding import Finding, Severity, Verdict, worst
from simulator.hypervisor import WRMSR
from simulator.mapping import first_wc, map_type, violated
from simulator.memory_type import MemoryType
from simulator.pair import Target
from simulator.rules.derivation import derive
from simulator.rules.encoding import lost_mapping
from simulator.rules.fixes import enabled_fixes
from simulator.rules.rule import (
    LINUX,
    GuestView,
    MappingView,
    Rule,
    example,
    linux,
    needs_guests,
    needs_own_pat,
    needs_pv,
    say,
)


def _constraint(rule: str, driver: str, view: MappingView) -> Iterator[Finding]:
    """A constraint of a driver that is violated: its WC is refused, and the device goes without."""
    if view.mapping.wanted is not MemoryType.WC:
        return
    kernel = view.guest.kernel
    for constraint, is_certain, why in violated(kernel, view.guest.walked):
        if constraint.driver == driver:
            verdict = Verdict.INCOMPATIBLE if is_certain else Verdict.CONDITIONAL
            yield say(
                view.guest,
                rule,
                verdict,
                view.mapping.subject,
                title=f"{constraint.driver} wants that {constraint.condition}",
                message=f"{constraint.driver} ({constraint.versions}): {why}; {constraint.effect}",
                headline=("" if is_certain else f"right if {driver} is not loaded: ") + f"{why}; {constraint.effect}",
                cites=constraint.cites,
                severity=Severity.FUNCTION,
                fixes=(constraint.fix,) if constraint.fix else enabled_fixes(kernel),
                assumption=f"{constraint.driver} is not loaded",
                wanted=view.mapping.wanted,
                steps=derive(view) if is_certain else (),
            )


def wc_at_1(view: MappingView) -> Iterator[Finding]:
    """NVIDIA's nv-pat takes WC at index 1 or none."""
    yield from _constraint("DRV010", "nvidia-nv-pat", view)


def i915_asks(view: MappingView) -> Iterator[Finding]:
    """i915 asks pat_enabled() from 5.17 on, and CPUID before."""
    yield from _constraint("DRV020", "i915", view)


def unknown_needs(view: GuestView) -> Iterator[Finding]:
    """Where nothing says what a guest drives, and a type that it might map would be wrong."""
    kernel = view.kernel
    if kernel.knows_drivers or (kernel.is_pv and not kernel.setting.devices) or kernel.problem is not None:
        return
    wrong = [
        f"{wanted.word} on {target.value} would be {verdict.word}"
        for wanted in (MemoryType.WC, MemoryType.WT, MemoryType.UC_MINUS)
        for target in Target
        for verdict in [_would_be(view, wanted, target)]
        if verdict > Verdict.DEGRADED
    ]
    if wrong:
        yield say(
            view,
            "DRV030",
            Verdict.COMPATIBLE,
            "needs",
            title="Nothing says which drivers the guest has",
            message=f"no .config, module list or driver is given, so ordinary memory and ioremap() alone are judged; "
            f"{', '.join(wrong)}",
            cites=(citations.STATED_FACTS, citations.LINUX_DRIVERS),
            fixes=("send the kernel's .config, a module list or its drivers",),
        )


def _would_be(view: GuestView, wanted: MemoryType, target: Target) -> Verdict:
    """The verdict on a type that nothing is known to need, with a lost PAT bit; compatible where it is refused."""
    mapping = map_type(view.kernel, view.platform, view.layout, wanted, target)
    if mapping.refused is not None:
        return Verdict.COMPATIBLE
    lost = lost_mapping(MappingView(view, mapping))
    return worst([mapping.verdict, *([lost.verdict] if lost is not None else [])])


def no_mtrrs(view: GuestView) -> Iterator[Finding]:
    """Kernels before 6.2 leave IA32_PAT alone where they find no MTRRs: WC becomes UC-, or WT in old ones."""
    kernel = view.kernel
    if not kernel.is_pv and "it finds no MTRRs" in kernel.notes:
        index = kernel.encode(MemoryType.WC, view.walked)
        got = view.walked.entries[index].word if index is not None else "nothing"
        yield say(
            view,
            "DRV040",
            Verdict.COMPATIBLE,
            "MTRR",
            title="Without MTRRs the kernel does not program IA32_PAT",
            message=f"it finds no MTRRs and leaves IA32_PAT at the reset value: WC by PA{index} is {got}",
            cites=(citations.LINUX_INIT_CACHE_MODES, citations.ACRN_108, citations.CLOUD_HYPERVISOR_1752),
            fixes=("show MTRRs to the guest, or run Linux 6.2 or later",),
        )


def wb_of_device_memory(view: GuestView) -> Iterator[Finding]:
    """A kernel with PAT and without MTRR information makes a WB request of device memory UC-."""
    if view.kernel.wb_of_mmio == "uc-minus":
        yield say(
            view,
            "DRV050",
            Verdict.COMPATIBLE,
            "WB on mmio",
            title="A WB request of device memory becomes UC-",
            message="it has PAT but no MTRRs here: a WB request of device memory becomes UC- (memremap() is slow)",
            cites=(citations.LINUX_MEMTYPE, citations.LINUX_MTRR_PV),
            fixes=("run Linux 6.5 or later, which knows them as a PV guest",)
            if view.kernel.is_pv
            else ("show MTRRs to the guest",),
        )


def missing_mtrr_is_wb(view: GuestView) -> Iterator[Finding]:
    """90b926e68f50 took a missing MTRR for WB: devices of a PV dom0 failed, disks among them."""
    may = {"wb": "takes", "perhaps wb": "may take (its release hides the patch level)"}.get(view.kernel.wb_of_mmio)
    if may is not None:
        yield say(
            view,
            "DRV060",
            Verdict.CONDITIONAL,
            "WB on mmio",
            title="A missing MTRR is taken for WB, and dom0's devices fail",
            message=f"it {may} a missing MTRR for WB (90b926e68f50): ioremap_cache() of device memory stays WB, and "
            "disks of a dom0 went missing",
            headline="right if no driver maps device memory WB: a missing MTRR is taken for WB (90b926e68f50)",
            cites=(citations.LINUX_MEMTYPE_INVALID,),
            severity=Severity.FUNCTION,
            fixes=("run 6.1.33 or later of 6.1, or 6.2 or later, which revert it",),
            assumption="no driver of this dom0 maps device memory WB",
        )


def builtin_layout(view: MappingView) -> Iterator[Finding]:
    """Where no entry holds WC, NVIDIA's nv-pat writes a layout with WC at PA1 itself: Xen does not let a PV guest."""
    kernel, layout = view.guest.kernel, view.guest.walked
    has_it = any(key == "nvidia-nv-pat" for key, _ in kernel.drivers)
    if has_it and kernel.is_pv and view.mapping.wanted is MemoryType.WC and first_wc(layout) is None:
        _, text, cite = WRMSR.at(view.guest.platform.xen.series)
        yield say(
            view.guest,
            "DRV070",
            Verdict.COMPATIBLE,
            view.mapping.subject,
            title="NVIDIA's driver finds no WC and cannot write a layout of its own",
            message=f"nvidia-nv-pat finds no WC and would write a layout with WC at PA1 (Xen answers: {text}): "
            f"PA1 stays {layout.entries[1].word}; what it maps WC by then was not read",
            cites=(citations.NVIDIA_PAT, cite),
            fixes=(WC_AT_1.fix,),
            entry=1,
            wanted=MemoryType.WC,
        )


_HVM_NO_MTRR = linux("5.10.200", role="domU", mode="hvm", hide_cpuid_mtrr=True)

RULES = (
    Rule("DRV010", "NVIDIA's nv-pat finds WC at PA1", Severity.FUNCTION, "guests with the driver nvidia-nv-pat",
         (citations.NVIDIA_PAT, citations.QUBES_9501), "mapping", wc_at_1, needs_guests, needs_encodings=True,
         fires=example(linux("6.12", drivers=["nvidia-nv-pat"])),
         silent=example(linux("6.12", drivers=["nvidia-nv-pat"]), layout=LINUX)),
    Rule("DRV020", "i915 is told that there is PAT", Severity.FUNCTION, "Linux guests with the driver i915",
         (citations.LINUX_I915_ASKS, citations.LINUX_PAT_ENABLED, citations.QUBES_7479), "mapping", i915_asks,
         needs_guests, needs_encodings=True,
         fires=example(linux("5.17.5", drivers=["i915"])), silent=example(linux("6.1.100", drivers=["i915"]))),
    Rule("DRV030", "What a guest drives is known where it matters", Severity.ADVICE, "guests with devices",
         (citations.STATED_FACTS,), "guest", unknown_needs, needs_guests, needs_encodings=True,
         fires=example(linux("2.6.36"), layout=LINUX), silent=example(linux("2.6.36"), xen="4.1")),
    Rule("DRV040", "A guest without MTRRs programs IA32_PAT", Severity.ADVICE, "PVH and HVM guests",
         (citations.LINUX_INIT_CACHE_MODES, citations.LINUX_PAT_WITHOUT_MTRR), "guest", no_mtrrs, needs_own_pat,
         fires=example(_HVM_NO_MTRR), silent=example(_HVM_NO_MTRR | {"release": "6.2.1"})),
    Rule("DRV050", "A WB request of device memory stays WB", Severity.ADVICE, "Linux guests",
         (citations.LINUX_MEMTYPE, citations.LINUX_MTRR_PV), "guest", wb_of_device_memory, needs_guests,
         fires=example(linux("6.1.100")), silent=example(linux("6.12"))),
    Rule("DRV060", "A missing MTRR is not taken for WB", Severity.FUNCTION, "Linux PV dom0",
         (citations.LINUX_MEMTYPE_INVALID,), "guest", missing_mtrr_is_wb, needs_pv,
         fires=example(linux("6.1.8")), silent=example(linux("6.1.100"))),
    Rule("DRV070", "NVIDIA's nv-pat need not write a layout", Severity.ADVICE,
         "PV guests with the driver nvidia-nv-pat", (citations.NVIDIA_PAT, citations.XEN_RDMSR), "mapping",
         builtin_layout, needs_pv, needs_encodings=True,
         fires=example(linux("6.12", drivers=["nvidia-nv-pat"]), layout="WB WT UC- UC WB WT UC- UC"),
         silent=example(linux("6.12", drivers=["nvidia-nv-pat"]), layout=LINUX)),
)  # fmt: skip
