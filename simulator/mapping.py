"""One memory type that a guest maps, followed from its page-table bits to the effective type."""

from typing import NamedTuple

from simulator import citations
from simulator.driver import CPU_HAS_PAT, PAT_ENABLED, WC_AT_1, Constraint
from simulator.effective import Vendor, effective_type
from simulator.finding import Verdict
from simulator.guest import FAMILY_TITLES, UNKNOWN
from simulator.hypervisor import REWRITTEN_TO
from simulator.inputs.command_line import MmioRelax
from simulator.kernel import Kernel
from simulator.memory_type import MTRR_ORDER, MemoryType
from simulator.pair import Judgement, Target, judge
from simulator.pat import PatLayout, PteCacheBits
from simulator.platform import Platform


class Refusal(NamedTuple):
    """Who refuses a mapping, why, what would do, and where that is written."""

    by: str  # kernel, driver, xen or boot
    why: str
    fix: str
    cites: tuple[str, ...]


class Mapping(NamedTuple):
    """What a mapping that wants a type comes to. All but the first fields are None where it is refused or unknown.

    `written` is the PAT index of the bits that the kernel writes, `left` the one that Xen leaves in the entry,
    `pat_type` what the CPU takes. `in_force` is the effective type where the mapping points.
    """

    wanted: MemoryType
    target: Target
    layout: PatLayout
    mtrr: MemoryType
    refused: Refusal | None = None
    is_unknown: bool = False
    written: int | None = None
    left: int | None = None
    pat_type: MemoryType | None = None
    in_force: MemoryType | None = None
    judgement: Judgement | None = None

    @property
    def subject(self) -> str:
        """As in `WC on ram`."""
        return f"{self.wanted.word} on {self.target.value}"

    @property
    def verdict(self) -> Verdict:
        """The verdict of the pair; a refused mapping fails, and of an unknown one nothing can be said."""
        if self.refused is not None:
            return Verdict.INCOMPATIBLE
        return Verdict.INDETERMINATE if self.judgement is None else self.judgement.verdict

    def effective(self, vendor: Vendor) -> dict[str, str] | None:
        """The effective type under each MTRR type."""
        if self.pat_type is None:
            return None
        return {mtrr.word: effective_type(mtrr=mtrr, pat=self.pat_type, vendor=vendor).word for mtrr in MTRR_ORDER}

    def as_data(self, vendor: Vendor) -> dict[str, object]:
        """The mapping as JSON-able data, but for its findings and the verdict with them."""
        refused = None if self.refused is None else {"by": self.refused.by, "why": self.refused.why}
        return {
            "wanted": self.wanted.word,
            "refused": refused,
            "pte_bits": None if self.written is None else PteCacheBits.of_index(self.written).as_data(),
            "pat_index": self.left,
            "pat_type": None if self.pat_type is None else self.pat_type.word,
            "effective": self.effective(vendor),
        }


def map_type(
    kernel: Kernel,
    platform: Platform,
    layout: PatLayout,
    wanted: MemoryType,
    target: Target,
    *,
    rewrites: bool = True,
    booted_under: PatLayout | None = None,
) -> Mapping:
    """What a guest gets that maps a type at a target under a layout.

    A guest that booted under another layout keeps the bits of that one: its tables were built at boot, and a save
    carries the flags of its page tables as they are. Where `rewrites` is false Xen's correction is left out.

    Source: xen, get_page_from_l1e(), xg_sr_save_x86_pv.c.
    """
    walked = kernel.own or layout
    blank = Mapping(wanted, target, walked, platform.mtrr_at(target))
    index = kernel.encode(wanted, booted_under or walked)
    refused = _refusal(kernel, platform, walked, wanted, target, index)
    if refused is not None:
        return blank._replace(refused=refused)
    if index is None or index == UNKNOWN:
        return blank._replace(is_unknown=True)
    left = index
    if rewrites and target is Target.MMIO and is_rewritten(kernel, platform, walked, index):
        left = REWRITTEN_TO
    pat_type = walked.entries[left & 3 if kernel.errata_cpu else left]
    in_force = effective_type(mtrr=blank.mtrr, pat=pat_type, vendor=platform.vendor)
    return blank._replace(
        written=index,
        left=left,
        pat_type=pat_type,
        in_force=in_force,
        judgement=judge(wanted, in_force, target, kernel.setting.devices),
    )


def is_rewritten(kernel: Kernel, platform: Platform, layout: PatLayout, index: int) -> bool:
    """Whether Xen turns a guest's mapping of MMIO by an index to PCD+PWT: PV only, and not where mmio-relax says so."""
    if not kernel.is_pv:
        return False
    is_relaxed = platform.relax is MmioRelax.ALL or (platform.relax is MmioRelax.DOM0 and kernel.setting.role == "dom0")
    return not is_relaxed and platform.rewrites(index, layout)


def _refusal(
    kernel: Kernel, platform: Platform, layout: PatLayout, wanted: MemoryType, target: Target, index: int | None
) -> Refusal | None:
    return (
        _by_boot(kernel, layout)
        or _by_kernel(kernel, wanted, index)
        or _by_driver(kernel, layout, wanted)
        or _by_xen(kernel, platform, target, index or 0)
    )


def _by_boot(kernel: Kernel, layout: PatLayout) -> Refusal | None:
    problem = kernel.problem
    if problem is not None and problem.verdict is Verdict.INCOMPATIBLE:
        return Refusal("boot", problem.why, problem.fix, (problem.cite,))
    if kernel.dies_under(layout):
        first = (kernel.assumed or layout).entries[0].word
        why = f"the kernel finds {first} in PA0 and stops at boot: it insists on WB there"
        return Refusal("boot", why, "put WB at PA0", (kernel.behaviour.cite,))
    return None


def _by_kernel(kernel: Kernel, wanted: MemoryType, index: int | None) -> Refusal | None:
    if index is not None:
        return None
    why = f"{FAMILY_TITLES[kernel.row.family].rstrip(',')} as it is here has no way to map {wanted.word}"
    return Refusal("kernel", why, f"run a kernel that maps {wanted.word}", (kernel.behaviour.cite,))


def _by_driver(kernel: Kernel, layout: PatLayout, wanted: MemoryType) -> Refusal | None:
    if wanted is not MemoryType.WC:
        return None
    for constraint, is_certain, why in violated(kernel, layout):
        if is_certain:
            return Refusal(
                "driver", f"{constraint.driver}: {why}; {constraint.effect}", constraint.fix, constraint.cites
            )
    return None


def violated(kernel: Kernel, layout: PatLayout) -> list[tuple[Constraint, bool, str]]:
    """The constraints that drivers of a guest find violated: each with whether the driver is certain, and by what."""
    found: list[tuple[Constraint, bool, str]] = []
    for key, is_certain in kernel.drivers:
        if key == WC_AT_1.driver:
            first = first_wc(layout)
            if first not in (None, 1):
                found.append((WC_AT_1, is_certain, f"it wants WC at PA1 and finds it at PA{first}"))
        elif kernel.row.family == "linux":
            found += [(constraint, is_certain, why) for constraint, why in _i915(kernel)]
    return found


def _i915(kernel: Kernel) -> list[tuple[Constraint, str]]:
    if kernel.i915_asks == "pat_enabled" and kernel.pat_disabled:
        return [(PAT_ENABLED, f"pat_enabled() is false ({' and '.join(kernel.pat_disabled)})")]
    return [(CPU_HAS_PAT, "CPUID.PAT is hidden")] if kernel.i915_asks == "cpuid" and kernel.hides_pat else []


def first_wc(layout: PatLayout) -> int | None:
    """Where NVIDIA's nv-pat finds WC: it looks at the entries i and i+4, for i from 0 to 3.

    Source: NVIDIA open-gpu-kernel-modules, nv_determine_pat_mode().
    """
    pairs = (index for low in range(4) for index in (low, low + 4))
    return next((index for index in pairs if layout.entries[index] is MemoryType.WC), None)


def _by_xen(kernel: Kernel, platform: Platform, target: Target, index: int) -> Refusal | None:
    if not kernel.is_pv:
        return None
    xen, has_devices = platform.xen, kernel.setting.devices
    if target is Target.MMIO and not has_devices:
        why = "a domain that has been given no device may map no MMIO"
        return Refusal("xen", why, "pass the device through to the domain", (citations.XEN_FLUSH_PERMITTED,))
    if not xen.allows(max(index, 0), has_devices=has_devices):
        bits = PteCacheBits.of_index(index).words
        whom = "to a domain without devices" if xen.series >= (3, 2) else "to every domain"
        why = f'{xen.title} refuses {bits} {whom}: "Bad L1 flags", -EINVAL'
        return Refusal("xen", why, "map with no cache bits", (xen.l1_citation,))
    return None
