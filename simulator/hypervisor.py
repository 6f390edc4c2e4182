"""Xen by release: its PAT layout, what it lets a PV guest set, and what of Xen itself rests on the layout."""

import re
from enum import StrEnum
from typing import NamedTuple

from simulator import citations
from simulator.memory_type import MemoryType
from simulator.pat import POWER_ON, XEN_LAYOUT, PatLayout, PteCacheBits
from simulator.problem import InvalidInput, refuse

#: The first and the last release whose sources were read, and the last of the first major number.
FIRST_RELEASE = (3, 0)
LAST_RELEASE = (4, 22)
_LAST_OF_3 = 4

_RELEASE = (
    r"(?:xen[ -]?)?v?(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})(?:\.([0-9]{1,3})|\.)?(?:[-+ _].{0,80}|\.[a-z].{0,80})?"
)


class MmioTest(StrEnum):
    """How Xen tells a PV guest's cacheable mapping of MMIO, which it turns to UC."""

    NONE = "none"
    BY_INDEX = "index"  # PAT indices 0, 1 and 5, whatever they select
    BY_TYPE = "type"  # WB, WT and WP, wherever they are


class Facet(NamedTuple):
    """One thing that changed over Xen's releases: what holds from a release on, a word for it, and the source."""

    key: str
    title: str
    rows: tuple[tuple[tuple[int, int], str, str, str], ...]

    def at(self, series: tuple[int, int]) -> tuple[str, str, str]:
        """The word, what it means, and the citation, for a release series."""
        return next((word, text, cite) for since, word, text, cite in reversed(self.rows) if series >= since)


PAT_VALUE = Facet("pat", "IA32_PAT", (
    ((3, 0), "firmware", "never written: the firmware's value stays, taken to be the power-on default",
     citations.XEN_HOST_PAT),
    ((3, 2), "xen", "0x0000050100070406, from the variable host_pat", citations.XEN_HOST_PAT),
    ((4, 12), "xen", "0x0000050100070406, the macro XEN_MSR_PAT", citations.XEN_MSR_PAT),
    ((4, 18), "xen", "0x0000050100070406, built from X86_MT_* entry by entry", citations.XEN_DERIVED_PAT),
))  # fmt: skip
RDMSR = Facet("rdmsr", "RDMSR of IA32_PAT by a PV guest", (
    ((3, 0), "host", "the register's own value", citations.XEN_RDMSR_OLD),
    ((4, 15), "constant", "the constant XEN_MSR_PAT", citations.XEN_RDMSR),
))  # fmt: skip
WRMSR = Facet("wrmsr", "WRMSR of IA32_PAT by a PV guest", (
    ((3, 0), "ignored", "ignored, logged where the value differs", citations.XEN_RDMSR_OLD),
    ((4, 15), "#GP", "#GP; ignored with msr_relaxed=1", citations.XEN_RDMSR),
))  # fmt: skip
CPUID = Facet("cpuid", "CPUID.PAT of a PV guest", (
    ((3, 0), "shown", "shown; hiding it by a toolstack changes nothing in the processor", citations.XEN_CPUID_PAT),
))  # fmt: skip
L1_BITS = Facet("l1", "Cache bits that a PV guest may set in an L1 entry", (
    ((3, 0), "pcd-pwt", "PCD and PWT, any guest; the PAT bit is refused to all", citations.XEN_L1_MASK_OLD),
    ((3, 2), "privileged", "all three, by domains with I/O memory or I/O ports; else -EINVAL, \"Bad L1 flags\"",
     citations.XEN_L1_MASK),
    ((3, 3), "privileged", "all three, by domains with I/O memory, I/O ports or assigned PCI devices; else -EINVAL, "
     "\"Bad L1 flags\"", citations.XEN_L1_MASK),
    ((4, 21), "privileged", "all three, where cache_flush_permitted(): I/O resources or assigned devices; else "
     "-EINVAL, \"Bad L1 flags\"", citations.XEN_FLUSH_PERMITTED),
))  # fmt: skip
UPPER_BITS = Facet("l2-l4", "Cache bits that a PV guest may set in L2 to L4 entries", (
    ((3, 0), "pcd-pwt", "PCD and PWT", citations.XEN_L1_MASK_OLD),
    ((3, 2), "none", "none, for any guest: paging structures and superpages are WB by PA0", citations.XEN_L1_MASK),
))  # fmt: skip
MMIO = Facet("mmio", "A cacheable PV mapping of MMIO", (
    ((3, 0), "none", "stays as it is", citations.XEN_L1_MASK),
    ((4, 7), "index", "by index 0, 1 or 5 is rewritten to PCD+PWT; mmio-relax lifts it", citations.XEN_MMIO_BY_INDEX),
    ((4, 18), "type", "of type WB, WT or WP is rewritten to PCD+PWT; mmio-relax lifts it", citations.XEN_MMIO_BY_TYPE),
))  # fmt: skip
DIRECT_MAP = Facet("direct-map", "Xen's own mapping of a guest's RAM", (
    ((3, 0), "wb", "WB, whatever the guest asks", citations.XEN_L1_MASK_OLD),
    ((3, 2), "follows", "follows the guest's cache attribute", citations.XEN_DIRECT_MAP),
    ((4, 15), "follows", "follows the guest's cache attribute, but not with self-snoop", citations.XEN_DIRECT_MAP),
    ((4, 17), "wb", "WB, whatever the guest asks (XSA-402)", citations.XEN_NO_DIRECT_MAP),
))  # fmt: skip
NON_COHERENT = Facet("non-coherent", "Non-coherent PV mappings of RAM", (
    ((3, 0), "untracked", "not tracked", citations.XEN_DIRECT_MAP),
    ((4, 17), "by-bits", "tracked where the bits equal _PAGE_WC, flushed on a change of type (XSA-402)",
     citations.XEN_NON_COHERENT),
))  # fmt: skip
HEADER = Facet("header", "The layout in the public header", (
    ((3, 0), "absent", "not documented", citations.XEN_PUBLIC_HEADER_4_2),
    ((4, 2), "wrong", "documented, in wrong columns", citations.XEN_PUBLIC_HEADER_4_2),
    ((4, 4), "right", "documented; entries 6 and 7 are called reserved", citations.XEN_PUBLIC_HEADER),
))  # fmt: skip
ASSERTION = Facet("assertion", "The build assertion on the value", (
    ((3, 0), "absent", "none", citations.XEN_MSR_PAT),
    ((4, 18), "present", "BUILD_BUG_ON(XEN_MSR_PAT != 0x050100070406ULL)", citations.XEN_BUILD_ASSERTION),
))  # fmt: skip
PVH = Facet("pvh", "PVH guests", (
    ((3, 0), "absent", "none", citations.XEN_PVH),
    ((4, 4), "early", "a first try of it, replaced in 4.10", citations.XEN_PVH),
    ((4, 10), "present", "PVH of today", citations.XEN_PVH),
    ((4, 12), "present", "PVH of today: MTRRs on, WB by default; a dom0 gets the host's", citations.XEN_PVH_MTRR),
))  # fmt: skip
HVM_PAT = Facet("hvm-pat", "IA32_PAT of an HVM guest", (
    ((3, 0), "shared", "not virtualised", citations.XEN_HOST_PAT),
    ((3, 2), "own", "its own, validated, reset to the power-on default", citations.XEN_MM_TYPE),
    ((3, 4), "own", "its own, in the VMCS under EPT (not intercepted)", citations.XEN_MM_TYPE),
    ((4, 0), "own", "its own, in the VMCS under EPT, in the VMCB under NPT (not intercepted)", citations.XEN_MM_TYPE),
))  # fmt: skip

FACETS = (
    PAT_VALUE, RDMSR, WRMSR, CPUID, L1_BITS, UPPER_BITS, MMIO, DIRECT_MAP, NON_COHERENT, HEADER, ASSERTION, PVH,
    HVM_PAT,
)  # fmt: skip


class S3Window(NamedTuple):
    """Patch levels of a series in which the boot CPU keeps the firmware's PAT after a resume from S3."""

    series: tuple[int, int]
    first: int
    last: int | None  # None: the series ended without the fix
    cite: str


S3_WINDOWS = (
    #        series   first  last
    S3Window((3, 2), 0, None, citations.XEN_S3_3_4),
    S3Window((3, 3), 0, None, citations.XEN_S3_3_4),
    S3Window((4, 14), 0, None, citations.XEN_S3_4_18),
    S3Window((4, 15), 0, None, citations.XEN_S3_4_18),
    S3Window((4, 16), 0, 3, citations.XEN_S3_4_18),
    S3Window((4, 17), 0, 0, citations.XEN_S3_4_18),
)

#: The PAT indices that Xen 4.7 to 4.17 rewrites on MMIO, and the index that it writes instead.
REWRITTEN_INDICES = frozenset({0, 1, 5})
REWRITTEN_TYPES = frozenset({MemoryType.WB, MemoryType.WT, MemoryType.WP})
REWRITTEN_TO = 3

#: Xen's page flags, named after the type that each selects under Xen's own layout.
#: Source: page.h, _PAGE_WB to _PAGE_WP.
PAGE_FLAGS = (
    ("_PAGE_WB", MemoryType.WB, PteCacheBits(pat=False, pcd=False, pwt=False)),
    ("_PAGE_WT", MemoryType.WT, PteCacheBits(pat=False, pcd=False, pwt=True)),
    ("_PAGE_UCM", MemoryType.UC_MINUS, PteCacheBits(pat=False, pcd=True, pwt=False)),
    ("_PAGE_UC", MemoryType.UC, PteCacheBits(pat=False, pcd=True, pwt=True)),
    ("_PAGE_WC", MemoryType.WC, PteCacheBits(pat=True, pcd=False, pwt=False)),
    ("_PAGE_WP", MemoryType.WP, PteCacheBits(pat=True, pcd=False, pwt=True)),
)

#: The entries that the public header documents; it calls PA6 and PA7 reserved.
PUBLIC_HEADER_ENTRIES = XEN_LAYOUT.entries[:6]
RESERVED_ENTRIES = (6, 7)


class XenModel(NamedTuple):
    """What a Xen release does with memory types."""

    release: str
    series: tuple[int, int]
    patch: int | None = None
    by_type: bool = False  # whether it carries 40b05620e2, so that its test of MMIO follows the type

    @property
    def title(self) -> str:
        """As in `Xen 4.17`."""
        return f"Xen {self.release}"

    @property
    def is_newer(self) -> bool:
        """Whether it is newer than the newest release that was read."""
        return self.series > LAST_RELEASE

    @property
    def layout(self) -> PatLayout:
        """The layout in force as shipped; the power-on default where Xen leaves the register to the firmware."""
        return XEN_LAYOUT if PAT_VALUE.at(self.series)[0] == "xen" else POWER_ON

    @property
    def mmio_test(self) -> MmioTest:
        """How this release tells mappings of MMIO that it corrects."""
        test = MmioTest(MMIO.at(self.series)[0])
        return MmioTest.BY_TYPE if self.by_type and test is MmioTest.BY_INDEX else test

    @property
    def mmio_citation(self) -> str:
        """Where that test is written."""
        return MMIO.at(self.series)[2]

    @property
    def l1_citation(self) -> str:
        """Where the mask of L1 entries is written."""
        return L1_BITS.at(self.series)[2]

    @property
    def documents_layout(self) -> bool:
        """Whether the public header prints the layout (4.2 and later)."""
        return HEADER.at(self.series)[0] != "absent"

    @property
    def documents_it_right(self) -> bool:
        """Whether that table's columns are right (4.4 and later)."""
        return HEADER.at(self.series)[0] == "right"

    @property
    def asserts_layout(self) -> bool:
        """Whether the build stops for any other layout (4.18 and later)."""
        return ASSERTION.at(self.series)[0] == "present"

    @property
    def tracks_non_coherent(self) -> bool:
        """Whether WC mappings of RAM are tracked by their bits (4.17 and later)."""
        return NON_COHERENT.at(self.series)[0] == "by-bits"

    def allows(self, index: int, *, has_devices: bool) -> bool:
        """Whether a PV guest may set the bits of a PAT index in an L1 entry."""
        if L1_BITS.at(self.series)[0] == "pcd-pwt":
            return index < 4
        return has_devices or index == 0

    def rewrites(self, index: int, layout: PatLayout) -> bool:
        """Whether a PV guest's mapping of MMIO by an index is rewritten to PCD+PWT."""
        if self.mmio_test is MmioTest.BY_INDEX:
            return index in REWRITTEN_INDICES
        return self.mmio_test is MmioTest.BY_TYPE and layout.entries[index] in REWRITTEN_TYPES

    def s3_window(self) -> tuple[S3Window, bool] | None:
        """The window that this release is in, and whether its patch level says so for certain."""
        for window in S3_WINDOWS:
            if window.series == self.series:
                if window.last is None:
                    return window, True
                if self.patch is None or window.first <= self.patch <= window.last:
                    return window, self.patch is not None
        return None


#: What a platform runs where nothing says which Xen.
NEWEST_XEN = XenModel(release=f"{LAST_RELEASE[0]}.{LAST_RELEASE[1]}", series=LAST_RELEASE)


def parse_release(text: str, *, field: str = "release") -> XenModel:
    """The model of a Xen release, as in `4.17`, `4.17.2` or `Xen 3.4`; one past 4.22 is taken to do what that one does.

    Raises InvalidInput for other text, for releases before 3.0 and for 3.x that never were.
    """
    match = re.fullmatch(_RELEASE, text.strip(), re.IGNORECASE | re.ASCII)
    if match is None:
        raise refuse("xen_release", f"{text[:40]!r} is no Xen release; write it as in 4.17 or 4.17.2", field=field)
    series = int(match[1]), int(match[2])
    is_known = series >= FIRST_RELEASE and not (series[0] == FIRST_RELEASE[0] and series[1] > _LAST_OF_3)
    if not is_known:
        raise _unknown(series, field)
    cleaned = re.sub(r"^(?:xen[ -]?)?v?", "", text.strip(), flags=re.IGNORECASE)
    return XenModel(release=cleaned, series=series, patch=None if match[3] is None else int(match[3]))


def _unknown(series: tuple[int, int], field: str) -> InvalidInput:
    return refuse(
        "xen_release",
        f"Xen {series[0]}.{series[1]} is not known: its sources were not read; known are 3.0 to 3.4 and 4.0 and later",
        field=field,
    )


def facets_as_data() -> list[dict[str, object]]:
    """What is known of Xen by release, as JSON-able tables."""
    return [
        {
            "key": facet.key,
            "title": facet.title,
            "rows": [
                {"since": f"{since[0]}.{since[1]}", "word": word, "text": text, "cites": [cite]}
                for since, word, text, cite in facet.rows
            ],
        }
        for facet in FACETS
    ]


def windows_as_data() -> list[dict[str, object]]:
    """The S3 windows as JSON-able rows."""
    return [
        {
            "series": f"{window.series[0]}.{window.series[1]}",
            "first": window.first,
            "last": window.last,
            "cites": [window.cite],
        }
        for window in S3_WINDOWS
    ]
