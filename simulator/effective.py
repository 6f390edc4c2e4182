"""The effective memory type: what the MTRR and the PAT make of a page together, and what else has a say in it."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Final, TypeVar

from simulator import citations
from simulator.memory_type import BY_WORD, MTRR_ORDER, MemoryType

#: Where AMD tells what its type CD does.
AMD_CACHE_DISABLE: Final = 'AMD64 APM vol. 2, "Memory Types"'


class Vendor(StrEnum):
    """Whose processor; ANY where a platform may have either."""

    INTEL = "intel"
    AMD = "amd"
    ANY = "any"


#: AMD's name for uncached where the caches are still looked up. A reader sees UC.
CD = "CD"

#: AMD's name for WC whose accesses snoop the caches: under nested paging only. A reader sees WC.
WC_PLUS = "WC+"

#: The columns of the tables below.
PAT_COLUMNS = (
    MemoryType.UC,
    MemoryType.UC_MINUS,
    MemoryType.WC,
    MemoryType.WT,
    MemoryType.WP,
    MemoryType.WB,
)

# PAT entry:             UC  UC- WC  WT  WP  WB
INTEL_ROWS = {
    MemoryType.UC: "     UC  UC  WC  UC  UC  UC",
    MemoryType.WC: "     UC  WC  WC  UC  UC  WC",
    MemoryType.WT: "     UC  UC  WC  WT  WP  WT",
    MemoryType.WP: "     UC  WC  WC  WT  WP  WP",
    MemoryType.WB: "     UC  UC  WC  WT  WP  WB",
}

# The superscripts of the table above.
# PAT entry:             UC  UC- WC  WT  WP  WB
INTEL_FOOTNOTES = {
    MemoryType.UC: "     1   1   -   1   1   1",
    MemoryType.WC: "     2   -   -   2,3 2,3 -",
    MemoryType.WT: "     2   2   -   -   3   -",
    MemoryType.WP: "     2   3   -   3   -   -",
    MemoryType.WB: "     2   2   -   -   -   -",
}

# PAT entry:             UC  UC- WC  WT  WP  WB
AMD_ROWS = {
    MemoryType.UC: "     UC  UC  WC  UC  UC  UC",
    MemoryType.WC: "     CD  WC  WC  CD  CD  WC",
    MemoryType.WT: "     CD  CD  WC  WT  CD  WT",
    MemoryType.WP: "     CD  CD  WC  CD  WP  WP",
    MemoryType.WB: "     CD  CD  WC  WT  WP  WB",
}

# An emulator's, for comparison: no verdict rests on it.
# PAT entry:             UC  UC- WC  WT  WP  WB
BOCHS_ROWS = {
    MemoryType.UC: "     UC  UC  WC  UC  UC  UC",
    MemoryType.WC: "     UC  WC  WC  UC  UC  WC",
    MemoryType.WT: "     UC  UC  WC  WT  WT  WT",
    MemoryType.WP: "     UC  UC  WC  WT  WP  WP",
    MemoryType.WB: "     UC  UC  WC  WT  WP  WB",
}

#: The columns of NESTED_ROWS, host PAT types, in the order of AMD's manual.
HOST_COLUMNS = (
    MemoryType.UC,
    MemoryType.UC_MINUS,
    MemoryType.WC,
    MemoryType.WP,
    MemoryType.WT,
    MemoryType.WB,
)

# AMD nested paging: rows are the guest's PAT types. The result meets the MTRR as a PAT type does.
# Host PAT type:               UC  UC- WC  WP  WT  WB
NESTED_ROWS = {
    MemoryType.UC: "           UC  UC  UC  UC  UC  UC",
    MemoryType.UC_MINUS: "     UC  UC- WC  UC  UC  UC",
    MemoryType.WC: "           WC  WC  WC  WC+ WC+ WC+",
    MemoryType.WP: "           UC  UC  UC  WP  UC  WP",
    MemoryType.WT: "           UC  UC  UC  UC  WT  WT",
    MemoryType.WB: "           UC  UC  WC  WP  WT  WB",
}

#: How well NESTED_ROWS is known: read, but in one transcription of tables 15-19 and 15-20 only.
NESTED_CONFIDENCE: Final = "derived"

#: The columns of PRE_PAT, as (PCD, PWT).
PCD_PWT_COLUMNS = ((False, False), (False, True), (True, False), (True, True))

# A processor without PAT; * marks what the manual calls model-specific.
# PCD, PWT:              00  01  10  11
PRE_PAT = {
    MemoryType.UC: "     UC  UC  UC  UC",
    MemoryType.WC: "     WC  WC* UC* UC",
    MemoryType.WT: "     WT  WT  UC  UC",
    MemoryType.WP: "     WP  WP* UC* UC",
    MemoryType.WB: "     WB  WT  UC  UC",
}

_ROWS = {Vendor.INTEL: INTEL_ROWS, Vendor.AMD: AMD_ROWS, Vendor.ANY: INTEL_ROWS}

#: Where the tables of a vendor were read.
TABLE_CITATIONS = {
    Vendor.INTEL: citations.SDM_EFFECTIVE,
    Vendor.AMD: citations.AMD_EFFECTIVE,
    Vendor.ANY: citations.SDM_EFFECTIVE,
}


_Column = TypeVar("_Column")


def _cells(rows: Mapping[MemoryType, str], columns: tuple[_Column, ...]) -> dict[tuple[MemoryType, _Column], str]:
    return {(key, column): word for key, row in rows.items() for column, word in zip(columns, row.split(), strict=True)}


@cache
def _effective_cells(vendor: Vendor) -> dict[tuple[MemoryType, MemoryType], str]:
    return _cells(_ROWS[vendor], PAT_COLUMNS)


@cache
def _footnote_cells() -> dict[tuple[MemoryType, MemoryType], str]:
    return _cells(INTEL_FOOTNOTES, PAT_COLUMNS)


@cache
def _nested_cells() -> dict[tuple[MemoryType, MemoryType], str]:
    return _cells(NESTED_ROWS, HOST_COLUMNS)


@cache
def _pre_pat_cells() -> dict[tuple[MemoryType, tuple[bool, bool]], str]:
    return _cells(PRE_PAT, PCD_PWT_COLUMNS)


def effective_cell(*, mtrr: MemoryType, pat: MemoryType, vendor: Vendor = Vendor.ANY) -> str:
    """A cell as the vendor prints it; AMD's CD is kept."""
    return _effective_cells(vendor)[mtrr, pat]


def effective_type(*, mtrr: MemoryType, pat: MemoryType, vendor: Vendor = Vendor.ANY) -> MemoryType:
    """The effective memory type; AMD's CD is UC here. An MTRR cannot be UC-: KeyError.

    For ANY it is Intel's: in the rows of UC, WC and WB both vendors agree.

    Source: Intel SDM vol. 3A, effective page-level memory types; AMD64 APM vol. 2.
    """
    cell = effective_cell(mtrr=mtrr, pat=pat, vendor=vendor)
    return MemoryType.UC if cell == CD else BY_WORD[cell]


def grid(vendor: Vendor) -> dict[str, dict[str, str]]:
    """The whole table in words: by MTRR type, then by PAT type; AMD's CD is UC here, as in `effective_type`."""
    return {
        mtrr.word: {pat.word: effective_type(mtrr=mtrr, pat=pat, vendor=vendor).word for pat in PAT_COLUMNS}
        for mtrr in MTRR_ORDER
    }


def nested_type(*, guest: MemoryType, host: MemoryType) -> MemoryType:
    """The PAT type that AMD's nested paging makes of a guest's and the host's; it may be UC-. WC+ is WC here.

    What meets the MTRR afterwards, as the PAT type of `effective_type`. Read in one transcription.

    Source: AMD64 APM vol. 2, "Combining Guest and Host PAT Types".
    """
    return BY_WORD[_nested_cells()[guest, host].rstrip("+")]


def is_snooped(*, guest: MemoryType, host: MemoryType) -> bool:
    """Whether AMD's nested paging makes WC+ of two PAT types: WC that snoops the caches.

    An MTRR type of UC or WC makes it plain WC again. Read in one transcription.

    Source: AMD64 APM vol. 2, "Combining Guest and Host PAT Types".
    """
    return _nested_cells()[guest, host] == WC_PLUS


def type_without_pat(*, pcd: bool, pwt: bool, mtrr: MemoryType) -> MemoryType:
    """The effective memory type on a processor without PAT. An MTRR cannot be UC-: KeyError.

    Where `is_model_specific`, what the manual's rules say; a model may do otherwise.

    Source: Intel SDM vol. 3A, "Selecting Memory Types for Pentium Pro and Pentium II Processors".
    """
    return BY_WORD[_pre_pat_cells()[mtrr, (pcd, pwt)].rstrip("*")]


def is_model_specific(*, pcd: bool, pwt: bool, mtrr: MemoryType) -> bool:
    """Whether the manual leaves a type without PAT to the model: PCD and PWT differ, and the MTRR is WC or WP."""
    return _pre_pat_cells()[mtrr, (pcd, pwt)].endswith("*")


#: Intel's footnotes to its table, by their number.
FOOTNOTES = {
    1: "UC by the MTRR: the processor need not look into its own caches, since the data was never cacheable",
    2: "UC by the page tables: the processor must look into its caches, since another mapping may have cached the data",
    3: "once undefined (implementation-defined in the editions of 2006); the manual now says that every processor "
    "with PAT and MTRRs does what is printed",
}


def footnotes(*, mtrr: MemoryType, pat: MemoryType) -> tuple[int, ...]:
    """The numbers of Intel's footnotes at a cell; none is an empty tuple."""
    marks = _footnote_cells()[mtrr, pat]
    return () if marks == "-" else tuple(int(mark) for mark in marks.split(","))


@cache
def formerly_undefined() -> frozenset[tuple[MemoryType, MemoryType]]:
    """The cells that Intel's manual once left undefined: those of footnote 3."""
    return frozenset(cell for cell, marks in _footnote_cells().items() if "3" in marks)


class DisputedCell:
    """A cell of the table of effective types on which sources differ.

    `said` is the type that each source gives, by the source's name; one that is silent is left out.
    """

    __slots__ = ("mtrr", "pat", "said")  # a NamedTuple takes longer to create

    def __init__(self, mtrr: MemoryType, pat: MemoryType, said: Mapping[str, str]) -> None:
        self.mtrr = mtrr
        self.pat = pat
        self.said = said


#: Every cell on which sources differ. Where Intel prints UC and AMD prints CD they do not: both are uncached.
DISPUTED = (
    DisputedCell(
        MemoryType.WT, MemoryType.WP, {"Intel": "WP", "Xen": "WP", "BitVisor": "WP", "Bochs": "WT", "AMD": CD}
    ),
    DisputedCell(
        MemoryType.WP, MemoryType.UC_MINUS, {"Intel": "WC", "Xen": "WC", "BitVisor": "WC", "Bochs": "UC", "AMD": CD}
    ),
    DisputedCell(
        MemoryType.WP, MemoryType.WT, {"Intel": "WT", "Xen": "WT", "BitVisor": "WT", "Bochs": "WT", "AMD": CD}
    ),
    DisputedCell(  # pat.rst has no other row than WC
        MemoryType.WC,
        MemoryType.UC_MINUS,
        {"Intel": "WC", "Xen": "WC", "BitVisor": "WC", "Bochs": "WC", "AMD": "WC", "Linux pat.rst": "UC"},
    ),
)


def is_disputed(mtrr: MemoryType, pat: MemoryType) -> bool:
    """Whether sources differ on a cell. None is in the rows of UC and WB, where guests live."""
    return any((cell.mtrr, cell.pat) == (mtrr, pat) for cell in DISPUTED)


def _sentence(cell: DisputedCell) -> str:
    by_word: dict[str, list[str]] = {}
    for source, word in cell.said.items():
        by_word.setdefault(word, []).append(source)
    said = "; ".join(f"{word} in {', '.join(sources)}" for word, sources in by_word.items())
    return f"Sources differ on {cell.mtrr.word} x {cell.pat.word}: {said}."


@cache
def _intel_notes() -> tuple[str, ...]:
    undefined = ", ".join(f"{mtrr.word} x {pat.word}" for mtrr, pat in sorted(formerly_undefined()))
    return (
        *(f"Intel's footnote {number}: {text}." for number, text in FOOTNOTES.items()),
        f"Formerly undefined cells of Intel's table: {undefined}.",
        "Intel's manual states that write combining is allowed for WT and for WB; for WP it does not.",
    )


_AMD_NOTES = (
    "AMD's CD is uncached, but the caches are looked up: a line that is hit in L1D or L2 is written back if modified, "
    "then invalidated, then memory is accessed; only an instruction fetch is served by a hit. Where one type is "
    "wanted, it is given as UC.",
    "AMD's manual contradicts itself on WP x WT: table 7-11, as here, gives CD, and table 7-8 gives WP.",
)
_PAT_RST_NOTE = (
    "Linux's pat.rst, Documentation at 0604aa87, still prints UC for WC x UC-; a correction of 6 November 2023 was "
    "seen only as a mailed patch."
)


@cache
def notes(vendor: Vendor) -> tuple[str, ...]:
    """What a reader of a vendor's table must know, a sentence or two each."""
    own = {
        Vendor.INTEL: _intel_notes(),
        Vendor.AMD: _AMD_NOTES,
        Vendor.ANY: (
            "Intel's table stands for a processor of either vendor; in the rows of UC, WC and WB the vendors agree.",
            *_intel_notes(),
            *_AMD_NOTES,
        ),
    }
    return (
        "Cells are written MTRR x PAT. The table holds while CR0.CD and CR0.NW are clear.",
        *own[vendor],
        *(_sentence(cell) for cell in DISPUTED),
        _PAT_RST_NOTE,
    )


class Condition:
    """A state of the processor that decides which row of the table counts, or that no cell does.

    `mtrr` is the row in force at every address; None where the row depends on the address, or no cell counts.
    """

    __slots__ = ("effect", "key", "mtrr", "source", "vendor", "when")

    def __init__(
        self, *, key: str, vendor: Vendor, when: str, effect: str, source: str, mtrr: MemoryType | None = None
    ) -> None:
        self.key = key
        self.vendor = vendor
        self.when = when
        self.effect = effect
        self.source = source
        self.mtrr = mtrr


@cache
def conditions() -> tuple[Condition, ...]:
    """What has a say besides the table; an earlier one counts before a later one."""
    return (
        Condition(
            key="cache-disable-intel",
            vendor=Vendor.INTEL,
            when="CR0.CD is set",
            effect="no line is filled and accesses are as uncached; the caches still answer until WBINVD",
            source=citations.SDM_CACHE_DISABLE,
        ),
        Condition(
            key="cache-disable-amd",
            vendor=Vendor.AMD,
            when="CR0.CD is set",
            effect="type CD on cacheable memory: a line that is hit in L1D or L2 is written back if modified, then "
            "invalidated, then memory is accessed; only an instruction fetch is served by a hit",
            source=AMD_CACHE_DISABLE,
        ),
        Condition(
            key="no-mtrr",
            vendor=Vendor.ANY,
            when="the processor has no MTRRs",
            effect="the PAT alone decides, as with an MTRR type of WB",
            mtrr=MemoryType.WB,
            source=citations.BOCHS_MEMTYPE,
        ),
        Condition(
            key="mtrr-disabled",
            vendor=Vendor.ANY,
            when="IA32_MTRR_DEF_TYPE.E is clear",
            effect="the MTRR type of all memory is UC; FE is ignored",
            mtrr=MemoryType.UC,
            source=citations.SDM_MTRR_DEFAULT,
        ),
        Condition(
            key="fixed-range",
            vendor=Vendor.ANY,
            when="E and FE are set and the address is below 1 MiB",
            effect="the fixed range decides over any variable range",
            source=citations.SDM_MTRR_PRECEDENCE,
        ),
        Condition(
            key="default-type",
            vendor=Vendor.ANY,
            when="E is set and no range holds the address",
            effect="the default type of IA32_MTRR_DEF_TYPE decides",
            source=citations.SDM_MTRR_PRECEDENCE,
        ),
    )
