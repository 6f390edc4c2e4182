"""Xen by release: what it lets a PV guest set, and what of Xen itself rests on its PAT layout."""

import re
from dataclasses import dataclass
from enum import StrEnum

from simulator import citations
from simulator.memory_type import MemoryType
from simulator.pat import XEN_LAYOUT, PteCacheBits
from simulator.problem import InvalidInput, refuse

#: The first and the last release whose sources were read.
FIRST_RELEASE = (3, 2)
LAST_RELEASE = (4, 22)
_LAST_OF_3 = 4

_RELEASE = re.compile(
    r"(?:xen[ -]?)?v?(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})(?:\.[0-9]{1,3}|\.)?(?:[-+ _].{0,80}|\.[a-z].{0,80})?",
    re.IGNORECASE | re.ASCII,
)


class MmioTest(StrEnum):
    """How Xen tells a PV guest's cacheable mapping of MMIO, which it turns to UC."""

    NONE = "none"
    BY_INDEX = "index"  # PAT indices 0, 1 and 5, whatever they select
    BY_TYPE = "type"  # WB, WT and WP, wherever they are


# since    correction of MMIO    source
_MMIO_TESTS = (
    ((3, 2), MmioTest.NONE, citations.XEN_L1_MASK),
    ((4, 7), MmioTest.BY_INDEX, citations.XEN_MMIO_BY_INDEX),
    ((4, 18), MmioTest.BY_TYPE, citations.XEN_MMIO_BY_TYPE),
)

#: The PAT indices that Xen 4.7 to 4.17 rewrites on MMIO.
REWRITTEN_INDICES = frozenset({0, 1, 5})

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

#: The entries that the public header documents; it calls PA6 and PA7 reserved. In 4.2 and 4.3 its columns were wrong.
PUBLIC_HEADER_SINCE = (4, 2)
PUBLIC_HEADER_RIGHT_SINCE = (4, 4)
PUBLIC_HEADER_ENTRIES = XEN_LAYOUT.entries[:6]
RESERVED_ENTRIES = (6, 7)

BUILD_ASSERTION_SINCE = (4, 18)

#: PVH as it is today, and the first try of it.
PVH_SINCE = (4, 10)
FIRST_PVH_SINCE = (4, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class XenModel:
    """What a Xen release does with memory types."""

    release: str
    series: tuple[int, int]

    @property
    def title(self) -> str:
        """As in `Xen 4.17`."""
        return f"Xen {self.release}"

    @property
    def mmio_test(self) -> MmioTest:
        """How this release tells mappings of MMIO that it corrects."""
        return next(test for since, test, _ in reversed(_MMIO_TESTS) if self.series >= since)

    @property
    def mmio_citation(self) -> str:
        """Where that test is written."""
        return next(cite for since, _, cite in reversed(_MMIO_TESTS) if self.series >= since)

    @property
    def corrects_mmio(self) -> bool:
        """Whether cacheable PV mappings of MMIO are rewritten to UC (4.7 and later)."""
        return self.mmio_test is not MmioTest.NONE

    @property
    def documents_layout(self) -> bool:
        """Whether the public header prints the layout (4.2 and later)."""
        return self.series >= PUBLIC_HEADER_SINCE

    @property
    def documents_it_right(self) -> bool:
        """Whether that table's columns are right (4.4 and later)."""
        return self.series >= PUBLIC_HEADER_RIGHT_SINCE

    @property
    def asserts_layout(self) -> bool:
        """Whether the build stops for any other layout (4.18 and later)."""
        return self.series >= BUILD_ASSERTION_SINCE


def parse_release(text: str, *, field: str = "release") -> XenModel:
    """The model of a Xen release, as in `4.17`, `4.17.2` or `Xen 3.4`.

    Raises InvalidInput for other text and for releases outside 3.2 to 4.22.
    """
    match = _RELEASE.fullmatch(text.strip())
    if match is None:
        raise refuse("xen_release", f"{text[:40]!r} is no Xen release; write it as in 4.17 or 4.17.2", field=field)
    series = int(match[1]), int(match[2])
    is_known = FIRST_RELEASE <= series <= LAST_RELEASE and not (
        series[0] == FIRST_RELEASE[0] and series[1] > _LAST_OF_3
    )
    if not is_known:
        raise _unknown(series, field)
    cleaned = re.sub(r"^(?:xen[ -]?)?v?", "", text.strip(), flags=re.IGNORECASE)
    return XenModel(release=cleaned, series=series)


def _unknown(series: tuple[int, int], field: str) -> InvalidInput:
    why = "Xen before 3.2 leaves IA32_PAT to the firmware" if series < FIRST_RELEASE else "its sources were not read"
    return refuse(
        "xen_release",
        f"Xen {series[0]}.{series[1]} is not known: {why}; known are 3.2 to 3.4 and 4.0 to 4.22",
        field=field,
    )


def tables_as_data() -> object:
    """The tables of this module as plain data, for the digest of the rules."""
    return {
        "mmio": [[list(since), test.value] for since, test, _ in _MMIO_TESTS],
        "rewritten": sorted(REWRITTEN_INDICES),
        "flags": [[name, memory_type.word, bits.words] for name, memory_type, bits in PAGE_FLAGS],
        "header": [entry.word for entry in PUBLIC_HEADER_ENTRIES],
        "assertion": list(BUILD_ASSERTION_SINCE),
        "pvh": [list(PVH_SINCE), list(FIRST_PVH_SINCE)],
    }
