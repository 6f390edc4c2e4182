"""What guests run on: a hypervisor release with its layout, the processor's vendor, errata and MTRRs."""

from typing import TYPE_CHECKING, NamedTuple

from simulator.effective import Vendor
from simulator.hypervisor import XenModel
from simulator.inputs.command_line import MmioRelax
from simulator.memory_type import MemoryType
from simulator.pair import Target
from simulator.pat import XEN_LAYOUT, PatLayout

if TYPE_CHECKING:
    from simulator.mtrr import MtrrMap
    from simulator.source import XenSource


class Platform(NamedTuple):
    """A hypervisor release with the layout in force and, where one is proposed, the new one.

    `layout_source` is xen or stated.
    """

    name: str
    xen: XenModel
    vendor: Vendor
    layout: PatLayout
    layout_name: str
    layout_source: str = "stated"
    relax: MmioRelax = MmioRelax.NONE
    mtrr: "MtrrMap | None" = None
    errata_cpu: bool = False
    proposed: PatLayout | None = None
    source: "XenSource | None" = None  # what of Xen's source came with the layout that is proposed

    def mtrr_at(self, target: Target) -> MemoryType:
        """The MTRR type where a mapping points: UC for a device's memory, WB for RAM.

        Where MTRRs are stated and none gives that type, it is their default type, and WC for RAM that nothing but a
        range of WC takes from the default of UC; with MTRRs off it is UC.
        """
        usual = MemoryType.UC if target is Target.MMIO else MemoryType.WB
        if self.mtrr is None:
            return usual
        if not self.mtrr.enabled:
            return MemoryType.UC
        types = self.mtrr.types()
        if usual in types:
            return usual
        is_wc = target is Target.RAM and MemoryType.WC in types and self.mtrr.default is MemoryType.UC
        return MemoryType.WC if is_wc else self.mtrr.default

    def rewrites(self, index: int, layout: PatLayout) -> bool:
        """Whether a PV guest's mapping of MMIO by an index is turned to PCD+PWT.

        A layout that is proposed needs a patched Xen: it is judged as if the test of 4.7 to 4.17 followed the type,
        unless the patch itself was sent and leaves the test as it is.
        """
        is_patched = self.source is None or not self.source.is_patch or self.source.mmio_changed
        if self.proposed is not None and layout != XEN_LAYOUT and is_patched:
            return self.xen.mmio_test != "none" and layout.entries[index].is_cacheable
        return self.xen.rewrites(index, layout)
