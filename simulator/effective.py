"""The effective memory type: what the MTRR and the PAT make of a page together."""

from enum import StrEnum

from simulator import citations
from simulator.memory_type import BY_WORD, MemoryType


class Vendor(StrEnum):
    """Whose processor; ANY where a platform may have either."""

    INTEL = "intel"
    AMD = "amd"
    ANY = "any"


#: AMD's name for uncached where the caches are still looked up. A reader sees UC.
CD = "CD"

#: The columns of the tables below.
PAT_COLUMNS = (
    MemoryType.UC,
    MemoryType.UC_MINUS,
    MemoryType.WC,
    MemoryType.WT,
    MemoryType.WP,
    MemoryType.WB,
)

# Sources differ, though in no row of UC or WB, where guests live: for WT and WP Bochs has WT, for WP and UC- it has UC;
# for WC and UC- Linux's pat.rst prints UC, in 7.2 too.
# PAT entry:             UC  UC- WC  WT  WP  WB
INTEL_ROWS = {
    MemoryType.UC: "     UC  UC  WC  UC  UC  UC",
    MemoryType.WC: "     UC  WC  WC  UC  UC  WC",
    MemoryType.WT: "     UC  UC  WC  WT  WP  WT",
    MemoryType.WP: "     UC  WC  WC  WT  WP  WP",
    MemoryType.WB: "     UC  UC  WC  WT  WP  WB",
}

# PAT entry:             UC  UC- WC  WT  WP  WB
AMD_ROWS = {
    MemoryType.UC: "     UC  UC  WC  UC  UC  UC",
    MemoryType.WC: "     CD  WC  WC  CD  CD  WC",
    MemoryType.WT: "     CD  CD  WC  WT  CD  WT",
    MemoryType.WP: "     CD  CD  WC  CD  WP  WP",
    MemoryType.WB: "     CD  CD  WC  WT  WP  WB",
}

_ROWS = {Vendor.INTEL: INTEL_ROWS, Vendor.AMD: AMD_ROWS, Vendor.ANY: INTEL_ROWS}

#: Where the tables of a vendor were read.
TABLE_CITATIONS = {
    Vendor.INTEL: citations.SDM_EFFECTIVE,
    Vendor.AMD: citations.AMD_EFFECTIVE,
    Vendor.ANY: citations.SDM_EFFECTIVE,
}

_CELLS = {
    vendor: {
        (mtrr, pat): word for mtrr, row in rows.items() for pat, word in zip(PAT_COLUMNS, row.split(), strict=True)
    }
    for vendor, rows in _ROWS.items()
}


def effective_cell(*, mtrr: MemoryType, pat: MemoryType, vendor: Vendor = Vendor.ANY) -> str:
    """A cell as the vendor prints it; AMD's CD is kept."""
    return _CELLS[vendor][mtrr, pat]


def effective_type(*, mtrr: MemoryType, pat: MemoryType, vendor: Vendor = Vendor.ANY) -> MemoryType:
    """The effective memory type; AMD's CD is UC here. An MTRR cannot be UC-: KeyError.

    For ANY it is Intel's: in the rows of UC, WC and WB both vendors agree.

    Source: Intel SDM vol. 3A, effective page-level memory types; AMD64 APM vol. 2.
    """
    cell = effective_cell(mtrr=mtrr, pat=pat, vendor=vendor)
    return MemoryType.UC if cell == CD else BY_WORD[cell]
