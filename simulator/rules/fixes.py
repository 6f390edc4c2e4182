"""What would do where a mapping is not as wanted: another entry, other bits, another kernel, PAT support again."""

from simulator.kernel import Kernel
from simulator.mapping import Mapping
from simulator.memory_type import MemoryType
from simulator.pair import Target
from simulator.rules.rule import MappingView

_ENABLED_FIXES = {
    "a PV guest has no MTRRs": "run Linux 6.0 or later, or a kernel with 72cbc8f04fe2 (5.19.6)",
    "it finds no MTRRs": "show CPUID.MTRR to the guest, or run Linux 6.2 or later",
}


def fixes_of(view: MappingView, mapping: Mapping) -> tuple[str, ...]:
    """What would do, where the tables tell: another entry, other bits, another kernel."""
    wanted, kernel, written = mapping.wanted, view.guest.kernel, mapping.written or 0
    if mapping.pat_type is wanted:
        return _mtrr_fixes(view, wanted) if mapping.target is Target.RAM else ()
    if mapping.left != written and mapping.layout.entries[written] is wanted:
        return ()  # Xen's correction takes it: XEN100 has the fix
    if is_folded(view, mapping):
        return ()  # ENC080 has it
    if wanted is MemoryType.WB and written == 0 and kernel.is_pv:
        return ("put WB at PA0",)
    if kernel.asked(wanted) is not wanted:
        return (_pat_fix(kernel.uc_minus_for_wc),)
    if not kernel.is_pv:
        return (f"give {wanted.word} an entry in the guest's own layout",)
    if not kernel.behaviour.reads and written == 0 and not kernel.can_choose(wanted):
        return ("run Linux 6.6 or later (or 6.1.53 or later of 6.1), which reads the MSR and keeps the PAT bit",)
    if view.guest.judges_layout and written:
        replaced = view.guest.replaced
        verb = "keep" if replaced is not None and replaced.entries[written] is wanted else "put"
        return (f"{verb} {wanted.word} at PA{written}",)
    bits = mapping.layout.encode(wanted)
    if bits is None or (kernel.errata_cpu and bits.pat):
        return ()
    return (f"map {wanted.word} with {bits.spoken}: PA{bits.pat_index} holds it",)


def _mtrr_fixes(view: MappingView, wanted: MemoryType) -> tuple[str, ...]:
    mtrr = view.guest.platform.mtrr
    if mtrr is None or not mtrr.enabled:
        return ()  # EFF020 says to enable them
    return (f"give the range an MTRR that leaves {wanted.word} as it is",)


def is_folded(view: MappingView, mapping: Mapping) -> bool:
    """Whether the entry that is reached may be another one, for the processor ignores index bit 2."""
    return view.guest.kernel.errata_cpu and mapping.left is not None and mapping.left > 3


def _pat_fix(without_pat: str) -> str:
    """What gives a kernel its PAT support back."""
    if without_pat == "nopat":
        return "drop nopat from the kernel's command line"
    if "CPUID" in without_pat:
        return "show CPUID.PAT to the guest"
    if "boot log" in without_pat and "CONFIG_" not in without_pat:
        return "run it where PAT is not switched off: its boot log says by what"
    return "enable CONFIG_X86_PAT, which needs CONFIG_MTRR"


def enabled_fixes(kernel: Kernel) -> tuple[str, ...]:
    """What makes pat_enabled() true again: all of it is needed."""
    return tuple(_ENABLED_FIXES.get(why) or _pat_fix(why) for why in kernel.pat_disabled)
