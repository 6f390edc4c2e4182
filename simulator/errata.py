"""Processors that make index bit 2, the PAT bit, unreliable: an entry 4 to 7 is reached as entry 0 to 3."""

from typing import NamedTuple

from simulator import citations


class ErrataRow(NamedTuple):
    """Models of one family, from the first to the last, that somebody treats as broken."""

    family: int
    first_model: int
    last_model: int
    names: str
    by: str
    cite: str


#: All of them are Intel's. FreeBSD's test is the wider one: all but family 6 from model 0xe on.
ERRATA_ROWS = (
    #        family models    names                                                       by
    ErrataRow(0x6, 0x0, 0x0D, "Pentium Pro, Pentium II, Pentium III, Pentium M", "Linux", citations.LINUX_PAT_INIT),
    ErrataRow(0xF, 0x0, 0x06, "Pentium 4", "Linux", citations.LINUX_PAT_INIT),
    ErrataRow(0x6, 0x0, 0x0D, "Pentium Pro, Pentium II, Pentium III, Pentium M", "FreeBSD", citations.FREEBSD_PAT),
    ErrataRow(0xF, 0x0, 0xFF, "Pentium 4, all models", "FreeBSD", citations.FREEBSD_PAT),
)

#: What the manufacturer says of some of them.
SPECIFICATION_UPDATES = (
    ("Pentium III E27", "the upper four entries are not usable with Mode B or Mode C paging"),
    ("Pentium 4 N46", "the PAT index's most significant bit may be calculated incorrectly"),
    ("Celeron C30", "with CR4.PSE or CR4.PAE bit 7 of a 4 KiB entry is forced to zero; large pages are fine"),
    ("Celeron C31", "MTRRs disabled without CR0.CD: UC- pages act as WB, others take the bare PAT type"),
)


def loses_index_bit(vendor: str, family: int, model: int, *, by: str = "Linux") -> bool:
    """Whether a processor of a vendor (intel, amd), display family and model is taken for one with the erratum.

    Source: linux, pat_bp_init(); FreeBSD, pmap_init_pat(); the specification updates above.
    """
    if vendor != "intel":
        return False
    rows = (row for row in ERRATA_ROWS if row.by == by and row.family == family)
    return any(row.first_model <= model <= row.last_model for row in rows)
