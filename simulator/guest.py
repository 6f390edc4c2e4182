"""Guest kernels: how each writes a memory type into its page tables under Xen, as tables."""

from dataclasses import dataclass
from enum import StrEnum

from simulator import citations
from simulator.inputs.kernel_release import KernelRelease, parse_series
from simulator.memory_type import ORDER, MemoryType


class Follows(StrEnum):
    """What stays with a guest when the host's layout changes."""

    TYPE = "type"  # it looks the type up in the layout
    INDEX = "index"  # its bits are fixed
    OWN = "own"  # it has a PAT of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One way to encode memory types.

    `indices` are the fixed PAT indices; for one who follows the type, those of
    types that the host's layout lacks. Linux's memtype code maps no RAM as UC.
    """

    key: str
    title: str
    follows: Follows
    indices: dict[MemoryType, int]
    cite: str
    maps_ram_uc: bool = False
    is_free: bool = False  # whether its kernel could set other bits instead


# PAT index of:       WB WC UC- UC WT WP     - is not used
_INDEX_ROWS = {
    "reads-msr-3.19": "0  1  2   3  2  2",
    "reads-msr": "     0  2  2   3  2  2",
    "native-bits": "   0  1  2   3  -  -",
    "translates-wc": " 0  4  2   3  -  -",
    "strips-pcd": "    0  -  0   1  -  -",
    "strips": "        0  0  0   0  -  -",
    "masks": "         0  0  0   0  -  -",
    "xenlinux": "      0  3  2   3  -  -",
    "suse-xenlinux": " 0  4  2   3  1  5",
    "stated": "        0  -  -   -  -  -",
    "unprivileged": "  0  -  -   -  -  -",
    "own-pat": "       -  -  -   -  -  -",
}


def _behave(key: str, title: str, follows: Follows, cite: str, **more: bool) -> Behaviour:
    cells = zip(ORDER, _INDEX_ROWS[key].split(), strict=True)
    fixed = {memory_type: int(cell) for memory_type, cell in cells if cell != "-"}
    return Behaviour(key=key, title=title, follows=follows, indices=fixed, cite=cite, **more)


_TYPE, _INDEX, _OWN = Follows.TYPE, Follows.INDEX, Follows.OWN

READS_MSR_3_19 = _behave("reads-msr-3.19", "reads the PAT MSR at boot", _TYPE, citations.LINUX_CACHE_TABLES)
READS_MSR = _behave("reads-msr", "reads the PAT MSR at boot", _TYPE, citations.LINUX_CACHE_TABLES)
NATIVE_BITS = _behave(
    "native-bits", "sets native Linux bits untranslated", _INDEX, citations.LINUX_NATIVE_BITS, is_free=True
)
TRANSLATES = _behave(
    "translates-wc", "translates WC to the PAT bit", _INDEX, citations.LINUX_XEN_TRANSLATES, is_free=True
)
STRIPS_PCD = _behave(
    "strips-pcd", "strips PCD of every entry", _INDEX, citations.LINUX_XEN_STRIPS_PCD, maps_ram_uc=True
)
STRIPS = _behave("strips", "strips the cache bits of every entry", _INDEX, citations.LINUX_XEN_STRIPS, maps_ram_uc=True)
MASKS = _behave("masks", "masks the cache bits of every entry", _INDEX, citations.LINUX_XEN_MASKS)
XENLINUX = _behave(
    "xenlinux",
    "sets PCD and PWT alone, never the PAT bit",
    _INDEX,
    citations.XENLINUX_BITS,
    maps_ram_uc=True,
    is_free=True,
)
SUSE = _behave("suse-xenlinux", "sets the bits of Xen's own layout", _INDEX, citations.SUSE_BITS, is_free=True)
STATED = _behave(
    "stated", "sets the bits that a person states", _INDEX, citations.STATED_BITS, maps_ram_uc=True, is_free=True
)
UNPRIVILEGED = _behave("unprivileged", "may set no cache bit: PA0 alone", _INDEX, citations.XEN_L1_MASK)
OWN_PAT = _behave("own-pat", "has a PAT of its own", _OWN, citations.XEN_EPT)

BEHAVIOURS = (
    READS_MSR_3_19,
    READS_MSR,
    NATIVE_BITS,
    TRANSLATES,
    STRIPS_PCD,
    STRIPS,
    MASKS,
    XENLINUX,
    SUSE,
    STATED,
    UNPRIVILEGED,
    OWN_PAT,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinuxRow:
    """What Linux does as a PV guest with devices, from one series to another, both included."""

    first: str
    last: str
    dom0: Behaviour
    driver_domain: Behaviour
    wants: str

    @property
    def title(self) -> str:
        """As in `Linux 2.6.36 to 3.2`."""
        if not self.last:
            return f"Linux {self.first} and later"
        return f"Linux {self.first}" + (f" to {self.last}" if self.last != self.first else "")

    @property
    def first_series(self) -> tuple[int, ...]:
        """The first series, as numbers."""
        return parse_series(self.first)


def _linux(first: str, last: str, dom0: Behaviour, driver_domain: Behaviour, wants: str) -> LinuxRow:
    return LinuxRow(first=first, last=last, dom0=dom0, driver_domain=driver_domain, wants=wants)


# Series are those whose sources were read: a candidate of a first release is in no row.
LINUX_ROWS = (
    #      first     last      dom0            domU with devices  wants
    _linux("2.6.24", "2.6.24", STRIPS_PCD, STRIPS_PCD, "          WB UC- UC"),
    _linux("2.6.25", "2.6.25", STRIPS, STRIPS, "                  WB UC- UC"),
    _linux("2.6.26", "2.6.35", NATIVE_BITS, MASKS, "              WB WC UC- UC"),
    _linux("2.6.36", "3.2", TRANSLATES, MASKS, "                  WB WC UC- UC"),
    _linux("3.3", "3.18", MASKS, MASKS, "                         WB WC UC- UC"),
    _linux("3.19", "4.1", READS_MSR_3_19, READS_MSR_3_19, "       WB WC UC- UC"),
    _linux("4.2", "", READS_MSR, READS_MSR, "                     WB WC UC- UC WT"),
)

#: Series of which a dom0 tree of the same name, with a patch level, translates as 2.6.36 does.
TRANSLATING_TREES = ((2, 6, 32),)

XENLINUX_WANTS = "WB WC UC- UC"
SUSE_WANTS = "WB WC UC- UC WT"

#: The first and the last series of each port that was read.
PORT_SERIES = {
    "xenlinux": ("2.6.18", "2.6.18"),
    "suse-xenlinux": ("2.6.27", "4.4"),
}

#: A kernel of unknown release is taken to be this one or later.
UNKNOWN_SINCE = (2, 6, 25)
#: The newest series whose sources were read.
NEWEST_SERIES = (7, 2)
#: From this series on, PV kernels stop at boot where PA0 is not WB.
INSISTS_ON_WB_SINCE = (3, 19)
#: Before this series, ioremap_wc() without PAT support asks for UC-.
NOPAT_FALLS_BACK_BEFORE = (4, 2)
#: From the first series on drivers ask pat_enabled(), which is false under PV before the second.
PAT_ENABLED_ASKED_SINCE = (5, 17)
PAT_ENABLED_FALSE_BEFORE = (6, 0)


def may_be(family: str, release: KernelRelease | None) -> bool:
    """Whether a kernel of a release can be of a family: ports have series of their own, Linux has a first one."""
    if release is None or family == "stated":
        return True
    first, last = PORT_SERIES.get(family, (LINUX_ROWS[0].first, ""))
    return release.series >= parse_series(first) and (not last or release.series <= parse_series(last))


_WHOLE = 9999


@dataclass(frozen=True, slots=True, kw_only=True)
class LossRow:
    """Which kernels of some series lose the PAT bit: patches up to `without` do, from `fixed` on do not."""

    first: tuple[int, ...]
    last: tuple[int, ...]
    without: int
    fixed: int


def _loss(first: str, last: str, without: int, fixed: int = _WHOLE + 1) -> LossRow:
    return LossRow(first=parse_series(first), last=parse_series(last), without=without, fixed=fixed)


# PAT-bit loss: the kernel drops bit 7 of an entry when it changes its protection. Fixed in 6.6 by 548cb932051f and
# carried to the stable series that were alive then: reviewed for 6.5.3 and 6.1.53 on 11 September 2023, for 5.15.132
# on the 17th. 5.10.195 and 6.4.16 are derived: queued for 5.10.y and 6.4.y on the 11th. 6.5.0 lacks it, and the other
# series had ended before it.
LOSS_ROWS = (
    #     series          without  fixed
    _loss("3.19", "5.9", _WHOLE),
    _loss("5.10", "5.10", 194, 195),
    _loss("5.11", "5.14", _WHOLE),
    _loss("5.15", "5.15", 131, 132),
    _loss("5.16", "6.0", _WHOLE),
    _loss("6.1", "6.1", 52, 53),
    _loss("6.2", "6.3", _WHOLE),
    _loss("6.4", "6.4", 15, 16),
    _loss("6.5", "6.5", 2, 3),
)

#: Mainline commits that a person may state that a kernel carries: one keeps the PAT bit, one makes pat_enabled() true.
LOSS_FIX = "548cb932051fb6232ac983ed6673dae7bdf3cf4c"
PAT_ENABLED_FIX = "72cbc8f04fe2"


@dataclass(frozen=True, slots=True, kw_only=True)
class BitLoss:
    """Whether a kernel loses the PAT bit; None is undecided: what is known, and whether its .config would decide."""

    loses: bool | None
    known: str = ""
    config_tells: bool = False


def loses_pat_bit(release: KernelRelease) -> BitLoss:
    """Whether pgprot_modify() of a Linux release drops the PAT bit.

    A distribution that hides the patch may carry the fix in any series: that is never proof of its absence.

    Source: the trees and reviews of LOSS_ROWS; fix 548cb932051f, "x86/mm: Fix
    PAT bit missing from page protection modify mask".
    """
    row = next((row for row in LOSS_ROWS if row.first <= release.series <= row.last), None)
    if row is None or (release.patch or 0) >= row.fixed:
        return BitLoss(loses=False)
    if not release.hides_patch:
        return BitLoss(loses=True)
    series = release.series_text
    if row.without == _WHOLE:
        return BitLoss(loses=None, known=f"Linux {series} drops the PAT bit, and {release.text} may carry the fix")
    either = f"{series}.{row.without} drops the PAT bit, {series}.{row.fixed} keeps it"
    return BitLoss(loses=None, known=f"{either}, and {release.text} does not say which it is", config_tells=True)


def tables_as_data() -> object:
    """The tables of this module as plain data, for the digest of the rules."""
    return {
        "behaviours": [
            [
                row.key,
                row.follows.value,
                [[wanted.word, index] for wanted, index in row.indices.items()],
                row.maps_ram_uc,
                row.is_free,
            ]
            for row in BEHAVIOURS
        ],
        "linux": [[row.first, row.last, row.dom0.key, row.driver_domain.key, row.wants.split()] for row in LINUX_ROWS],
        "loss": [[list(row.first), list(row.last), row.without, row.fixed] for row in LOSS_ROWS],
        "wants": [XENLINUX_WANTS, SUSE_WANTS],
        "ports": PORT_SERIES,
        "series": [
            list(series)
            for series in (
                *TRANSLATING_TREES,
                UNKNOWN_SINCE,
                NEWEST_SERIES,
                INSISTS_ON_WB_SINCE,
                NOPAT_FALLS_BACK_BEFORE,
                PAT_ENABLED_ASKED_SINCE,
                PAT_ENABLED_FALSE_BEFORE,
            )
        ],
    }
