"""Guest kernels: how each family writes memory types into its page tables, as tables."""

from typing import NamedTuple

from simulator import citations
from simulator.inputs.kernel_release import KernelRelease, parse_series
from simulator.memory_type import ORDER, MemoryType

#: A cell of the tables below that no source decides.
UNKNOWN = -1


class Behaviour(NamedTuple):
    """One way to encode memory types.

    `indices` are PAT indices by type: a type that is not there has no encoding, and UNKNOWN is one that no source
    tells. Where the kernel `reads` a layout it takes the lowest entry of a type, and `indices` are what it keeps for
    types that the layout lacks. `is_free` says that its kernel could set other bits.
    """

    key: str
    title: str
    reads: bool
    indices: dict[MemoryType, int]
    cite: str
    is_free: bool = False


def _behave(key: str, title: str, cells: str, cite: str, *, reads: bool = False, is_free: bool = False) -> Behaviour:
    words = zip(ORDER, cells.split(), strict=True)
    indices = {one: UNKNOWN if cell == "?" else int(cell) for one, cell in words if cell != "-"}
    return Behaviour(key, title, reads, indices, cite, is_free)


# PAT index of:                                                           UC UC- WC WT WP WB   - none, ? not known
STRIPS_PCD = _behave(
    "strips-pcd", "strips PCD of every entry", "         1  0   -  -  -  0", citations.LINUX_XEN_STRIPS_PCD
)
STRIPS = _behave(
    "strips", "strips the cache bits of every entry", "      0  0   -  -  -  0", citations.LINUX_XEN_STRIPS
)
MASKS_DOMU = _behave(
    "masks", "masks the cache bits of every entry", "    0  0   0  -  -  0", citations.LINUX_XEN_MASKS_DOMU
)
MASKS = _behave("masks", "masks the cache bits of every entry", "         0  0   0  -  -  0", citations.LINUX_XEN_MASKS)
NATIVE_BITS = _behave(
    "native-bits", "sets native Linux bits", "          3  2   1  -  -  0", citations.LINUX_NATIVE_BITS, is_free=True
)
TRANSLATES = _behave(
    "translates-wc",
    "translates WC to the PAT bit",
    "   3  2   4  -  -  0",
    citations.LINUX_XEN_TRANSLATES,
    is_free=True,
)
JEREMY = _behave(
    "translates-wc", "translates WC to the PAT bit", "       3  2   4  -  -  0", citations.LINUX_JEREMY, is_free=True
)
PRE_PAT = _behave(
    "pre-pat", "knows no PAT, only PCD and PWT", "          3  2   -  -  -  0", citations.LINUX_XEN_STRIPS
)
READS_3_19 = _behave(
    "reads-msr-3.19",
    "reads the layout at boot",
    "      3  2   1  2  2  0",
    citations.LINUX_CACHE_TABLES_3_19,
    reads=True,
)
READS = _behave(
    "reads-msr",
    "reads the layout at boot",
    "                3  2   2  2  2  0",
    citations.LINUX_CACHE_TABLES,
    reads=True,
)
XENLINUX = _behave(
    "xenlinux", "sets PCD and PWT alone, never the PAT bit", " 3 2 3 - -  0", citations.XENLINUX_BITS, is_free=True
)
SUSE = _behave(
    "suse-xenlinux", "sets the bits of Xen's own layout", "    3  2   4  1  5  0", citations.SUSE_BITS, is_free=True
)
STATED = _behave(
    "stated", "sets the bits that a person states", "        -  -   -  -  -  0", citations.STATED_BITS, is_free=True
)
FREEBSD = _behave("freebsd", "sets the bits of its own layout", "         3  2   6  1  5  0", citations.FREEBSD_PAT)
FREEBSD_ERRATA = _behave("freebsd-errata", "sets the low bits alone", "   3  3   2  1  1  0", citations.FREEBSD_PAT)
FREEBSD_8 = _behave("freebsd-8", "sets the bits of its own layout", "     3  2   5  1  4  0", citations.FREEBSD_8_PAT)
FREEBSD_8_XEN = _behave("freebsd-8-xen", "sets PCD and PWT alone", "      3  2   2  1  3  0", citations.FREEBSD_8_PAT)
NETBSD_XENPV = _behave("netbsd-xenpv", "sets PCD alone", "                2  2   0  -  -  0", citations.NETBSD_PMAP)
BSD_NATIVE = _behave("low-bits", "sets PCD and PWT alone", "              3  2   1  -  -  0", citations.NETBSD_PMAP)
NETBSD_OLD = _behave("netbsd-old", "sets native bits untranslated", "     3  2   1  -  -  0", citations.NETBSD_PMAP_OLD)
OPENBSD = _behave("openbsd", "sets PCD and PWT alone", "                  2  2   1  -  -  0", citations.OPENBSD_PAT)
DRAGONFLY = _behave("dragonfly", "sets the bits of its own layout", "     3  2   ?  ?  ?  0", citations.FREEBSD_8_PAT)
ILLUMOS = _behave("illumos", "sets PAT and PCD for WC", "                 2  2   6  -  -  0", citations.ILLUMOS_PAT)
ILLUMOS_NO_PAT = _behave("illumos-no-pat", "sets PCD and PWT alone", "    2  2   3  -  -  0", citations.ILLUMOS_PAT)
MINI_OS = _behave("mini-os", "sets PCD alone", "                          2  2   -  -  -  0", citations.MINI_OS)
UNIKRAFT_PV = _behave("unikraft-pv", "sets PCD alone", "                  2  2   -  -  -  0", citations.UNIKRAFT)
UNIKRAFT = _behave("unikraft", "sets PCD+PWT for WC", "                   2  2   3  -  -  0", citations.UNIKRAFT)
NO_BITS = _behave("no-bits", "sets no cache bits", "                      0  0   0  -  -  0", citations.GRUB_XEN)
SOLO5 = _behave("solo5", "sets no cache bits", "                          0  0   0  -  -  0", citations.SOLO5)
GNUMACH = _behave("gnumach", "sets PCD+PWT for device memory", "          3  3   -  -  -  0", citations.GNUMACH)
WINDOWS = _behave("windows", "sets native bits", "                        3  2   1  -  -  0", citations.WINDOWS_PAT)
REACTOS = _behave("reactos", "sets PCD for WC", "                         3  2   2  -  -  0", citations.REACTOS_PAT)
SERENITY = _behave("serenity", "sets the PAT bit for WC", "               3  2   4  -  -  0", citations.SERENITY_PAT)
ASTERINAS = _behave("asterinas", "sets PCD for WC", "                     3  3   2  -  -  0", citations.ASTERINAS_PAT)


class Row(NamedTuple):
    """What a family does from one release to another, both included; "" is open.

    `dom0` and `domu` are a PV guest's behaviour, `native` that of an HVM or PVH guest: None where there is no such
    guest. `layout` is the key of what it programs natively, `errata` the same on CPUs whose PAT bit is unreliable.
    """

    family: str
    first: str
    last: str
    dom0: Behaviour | None
    domu: Behaviour | None
    native: Behaviour | None
    layout: str
    errata: str = ""
    confidence: str = "verified"
    errata_native: Behaviour | None = None

    @property
    def title(self) -> str:
        """As in `Linux 2.6.36 to 3.2`."""
        title = FAMILY_TITLES[self.family]
        if not self.first:
            return title + (f" up to {self.last}" if self.last else "")
        if not self.last:
            return f"{title} {self.first} and later"
        return f"{title} {self.first}" + (f" to {self.last}" if self.last != self.first else "")

    @property
    def first_series(self) -> tuple[int, ...]:
        """The first series, as numbers; (0,) where the row begins with the first release of all."""
        return parse_series(self.first or "0")

    @property
    def last_series(self) -> tuple[int, ...] | None:
        """The last series, as numbers; None where the row is open."""
        return parse_series(self.last) if self.last else None

    def behaviour(self, mode: str, role: str) -> Behaviour | None:
        """What this row does in a mode and a role; None where it cannot run so."""
        if mode != "pv":
            return self.native
        return self.dom0 if role == "dom0" else self.domu


#: The families, by what they are called in a page.
FAMILY_TITLES = {
    "linux": "Linux",
    "xenlinux": "XenLinux",
    "suse-xenlinux": "SUSE XenLinux",
    "linux-jeremy": "Linux, Jeremy Fitzhardinge's dom0 tree,",
    "freebsd": "FreeBSD",
    "netbsd": "NetBSD",
    "openbsd": "OpenBSD",
    "dragonfly": "DragonFly BSD",
    "illumos": "illumos",
    "mini-os": "Mini-OS",
    "unikraft": "Unikraft",
    "mirageos": "MirageOS (Solo5)",
    "grub": "GRUB",
    "gnumach": "GNU Mach",
    "windows": "Windows",
    "reactos": "ReactOS",
    "serenity": "SerenityOS",
    "asterinas": "Asterinas",
    "stated": "stated encodings",
}
FAMILIES = tuple(FAMILY_TITLES)

_N = None
_R, _D = "recalled", "derived"

#: Series are those whose sources were read.
_ROWS = (
    #    family           first     last     PV dom0     PV domU     HVM, PVH     layout, on errata CPUs
    Row("linux", "        2.6.24", "2.6.24", STRIPS_PCD, STRIPS_PCD, PRE_PAT, "power-on"),
    Row("linux", "        2.6.25", "2.6.25", STRIPS, STRIPS, PRE_PAT, "power-on"),
    Row("linux", "        2.6.26", "2.6.35", NATIVE_BITS, MASKS_DOMU, NATIVE_BITS, "linux-four"),
    Row("linux", "        2.6.36", "3.2", TRANSLATES, MASKS_DOMU, NATIVE_BITS, "linux-four"),
    Row("linux", "        3.3", "3.18", MASKS, MASKS, NATIVE_BITS, "linux-four"),
    Row("linux", "        3.19", "4.1", READS_3_19, READS_3_19, READS_3_19, "linux-four"),
    Row("linux", "        4.2", "4.13", READS, READS, READS, "linux-4.2", "linux-four"),
    Row("linux", "        4.14", "", READS, READS, READS, "linux-4.14", "linux-four"),
    Row("xenlinux", "     2.6.18", "2.6.18", XENLINUX, XENLINUX, _N, ""),
    Row("suse-xenlinux", "2.6.27", "3.19", SUSE, SUSE, _N, ""),
    Row("linux-jeremy", " 2.6.31", "2.6.32", JEREMY, MASKS_DOMU, NATIVE_BITS, "linux-four"),
    Row("freebsd", "      8", "8", _N, FREEBSD_8_XEN, FREEBSD_8, "freebsd-8"),
    Row("freebsd", "      9", "", _N, _N, FREEBSD, "freebsd", "freebsd-errata", _R, FREEBSD_ERRATA),
    Row("netbsd", "       ", "9", NETBSD_OLD, NETBSD_OLD, BSD_NATIVE, "linux-four", "", _R),
    Row("netbsd", "       10", "", NETBSD_XENPV, NETBSD_XENPV, BSD_NATIVE, "linux-four", "", _D),
    Row("openbsd", "      ", "", _N, _N, OPENBSD, "linux-four"),
    Row("dragonfly", "    ", "", _N, _N, DRAGONFLY, "power-on", "", _R),
    Row("illumos", "      ", "", ILLUMOS, ILLUMOS, ILLUMOS, "illumos"),
    Row("mini-os", "      ", "", MINI_OS, MINI_OS, MINI_OS, "power-on"),
    Row("unikraft", "     ", "", UNIKRAFT_PV, UNIKRAFT_PV, UNIKRAFT, "power-on"),
    Row("mirageos", "     ", "", _N, _N, SOLO5, "power-on"),
    Row("grub", "         ", "", NO_BITS, NO_BITS, NO_BITS, "power-on"),
    Row("gnumach", "      ", "", GNUMACH, GNUMACH, GNUMACH, "power-on"),
    Row("windows", "      ", "", _N, _N, WINDOWS, "linux-four", "", _R),
    Row("reactos", "      ", "", _N, _N, REACTOS, "power-on"),
    Row("serenity", "     ", "", _N, _N, SERENITY, "serenity"),
    Row("asterinas", "    ", "", _N, _N, ASTERINAS, "asterinas"),
    Row("stated", "       ", "", STATED, STATED, STATED, "power-on"),
)  # fmt: skip
ROWS = tuple(row._replace(first=row.first.strip()) for row in _ROWS)


def rows_of(family: str) -> tuple[Row, ...]:
    """The rows of a family, oldest first."""
    return tuple(row for row in ROWS if row.family == family)


class Choice(NamedTuple):
    """The rows that a release may belong to, and why there is more than one, or none that is sure."""

    rows: tuple[Row, ...]
    gap: str = ""
    is_open: bool = False  # not even agreement of the rows decides
    is_newer: bool = False  # newer than the newest tree that was read


#: The newest series whose sources were read, by family.
NEWEST = {"linux": (7, 2)}
#: A kernel of unknown release is taken to be this one or later.
UNKNOWN_SINCE = (2, 6, 25)


def choose_rows(family: str, release: KernelRelease | None, mode: str) -> Choice:
    """The rows of a family that a release may belong to in a mode.

    A release past the newest row is that row's; one before the oldest is nobody's, where rows have a first one.
    A candidate of a row's first release lies between two trees that were read: it may be either row's.
    """
    rows = rows_of(family)
    if release is None:
        known = tuple(row for row in rows if row.first_series >= UNKNOWN_SINCE or family != "linux")
        return Choice(known, is_open=False)
    at = max((n for n, row in enumerate(rows) if row.first_series <= release.series), default=-1)
    if at < 0:
        title, oldest = FAMILY_TITLES[family], rows[0]
        if mode != "pv" and family == "linux":
            return Choice(rows[:1])
        gap = f"{title} {release.text} is older than {oldest.first}, the oldest tree that was read"
        return Choice(rows[:1], gap=gap, is_open=True)
    row = rows[at]
    if at and release.series == row.first_series and release.candidate is not None:
        before = rows[at - 1]
        gap = f"Linux {release.text} lies between {before.last} and {row.first}, the trees that were read"
        return Choice((before, row), gap=gap)
    newest = NEWEST.get(family) or row.last_series
    is_newer = at == len(rows) - 1 and newest is not None and release.series[: len(newest)] > newest
    return Choice((row,), is_newer=is_newer)


#: Before this series, ioremap_wc() without PAT support asks for UC-.
WC_NEEDS_PAT_BEFORE = (4, 2)
#: From this series on, a PV kernel that is not shown CPUID.PAT assumes the power-on layout.
ASSUMES_RESET_SINCE = (4, 7)
#: 4.4.121 carries the rework of 4.7 and later; that 4.4.y before it does not is taken, not read.
REWORK_OF_4_7_STABLE: dict[tuple[int, ...], int] = {(4, 4): 121}
#: With that rework, a kernel without MTRRs switches PAT off; from this series on it no longer cares.
NEEDS_MTRR_BEFORE = (6, 2)
#: pat_enabled() is false under PV from this series on, until 72cbc8f04fe2: 6.0-rc3, and 5.19.6 of the stable series.
PAT_ENABLED_FALSE_SINCE = (4, 7)
PAT_ENABLED_FIXED_IN = (6, 0)
PAT_ENABLED_FIXED_CANDIDATE = 3
PAT_ENABLED_FIXED_STABLE: dict[tuple[int, ...], int] = {(5, 19): 6}
#: From these series on i915 asks CPUID, then pat_enabled().
I915_ASKS_CPUID_SINCE = (4, 0)
I915_ASKS_PAT_ENABLED_SINCE = (5, 17)
#: A WB request of device memory becomes UC- in a PV kernel that has PAT and knows no MTRR: from the first series on,
#: until dom0 copies them (6.5, and 6.3.13 and 6.4.4 of the stable series).
WB_OF_MMIO_IS_UC_MINUS = ((6, 0), (6, 5))
MTRR_COPY_STABLE: dict[tuple[int, ...], int] = {(6, 3): 13, (6, 4): 4}
#: 90b926e68f50 treats a missing MTRR as WB: devices of a dom0 fail. Of 6.1.y: from 6.1.7 until it was reverted.
MTRR_INVALID_IS_WB: dict[tuple[int, ...], tuple[int, int]] = {(6, 1): (7, 32)}
#: Of the mainline: in these candidates of 6.2; that it began with rc4 is recalled.
MTRR_INVALID_CANDIDATES = ((6, 2), 4, 8)


def takes_missing_mtrr_for_wb(release: KernelRelease) -> str:
    """`wb` where a Linux release has 90b926e68f50, `perhaps wb` where it hides its patch level, else ""."""
    series, first_candidate, last_candidate = MTRR_INVALID_CANDIDATES
    if release.series == series:
        is_one = release.candidate is not None and first_candidate <= release.candidate <= last_candidate
        return "wb" if is_one else ""
    first, last = MTRR_INVALID_IS_WB.get(release.series, (1, 0))
    if release.hides_patch:
        return "perhaps wb" if first <= last else ""
    return "wb" if first <= (release.patch or 0) <= last else ""


def may_carry_pat_enabled_fix(release: KernelRelease) -> bool:
    """Whether a release that hides its patch level may have 72cbc8f04fe2, where i915 asks for it."""
    return release.hides_patch and I915_ASKS_PAT_ENABLED_SINCE <= release.series < PAT_ENABLED_FIXED_IN


class LossRow(NamedTuple):
    """Which kernels of some series lose the PAT bit: patches up to `without` do, from `fixed` on do not.

    Both are None where the series had ended before the fix was made.
    """

    first: tuple[int, ...]
    last: tuple[int, ...]
    without: int | None
    fixed: int | None
    confidence: str


def _loss(
    first: str, last: str, without: int | None = None, fixed: int | None = None, confidence: str = "verified"
) -> LossRow:
    return LossRow(parse_series(first), parse_series(last), without, fixed, confidence)


# PAT-bit loss: the kernel drops bit 7 of an entry when it changes its protection. Fixed in 6.6 by 548cb932051f and
# carried to the stable series that were alive then: 6.4.16, 6.1.53, 5.15.132 and 5.10.195 have it. 6.5.0 lacks it, and
# that 6.5.3 has it is recalled; it was reviewed for 6.5.3-rc1. The other series had ended, and 5.4.286 lacks it still.
LOSS_ROWS = (
    #     series          without  fixed
    _loss("3.19", "5.9"),
    _loss("5.10", "5.10", 194, 195),
    _loss("5.11", "5.14"),
    _loss("5.15", "5.15", 131, 132),
    _loss("5.16", "6.0"),
    _loss("6.1", "6.1", 52, 53),
    _loss("6.2", "6.3"),
    _loss("6.4", "6.4", 15, 16),
    _loss("6.5", "6.5", 2, 3, "recalled"),
)

#: Mainline commits that a person may state that a kernel carries: one keeps the PAT bit, one makes pat_enabled() true.
LOSS_FIX = "548cb932051fb6232ac983ed6673dae7bdf3cf4c"
PAT_ENABLED_FIX = "72cbc8f04fe2"


class BitLoss(NamedTuple):
    """Whether a kernel loses the PAT bit; None is undecided: what is known, and whether its .config would decide."""

    loses: bool | None
    known: str = ""
    config_tells: bool = False
    confidence: str = "verified"


def loses_pat_bit(release: KernelRelease) -> BitLoss:
    """Whether pgprot_modify() of a Linux release drops the PAT bit.

    A distribution that hides the patch may carry the fix in any series: that is never proof of its absence.

    Source: the trees and reviews of LOSS_ROWS; fix 548cb932051f, "x86/mm: Fix
    PAT bit missing from page protection modify mask".
    """
    row = next((row for row in LOSS_ROWS if row.first <= release.series <= row.last), None)
    if row is None:
        return BitLoss(loses=False)
    if row.fixed is not None and (release.patch or 0) >= row.fixed:
        return BitLoss(loses=False, confidence=row.confidence)
    if not release.hides_patch:
        return BitLoss(loses=True, confidence=row.confidence if release.patch else "verified")
    series = release.series_text
    if row.without is None:
        return BitLoss(loses=None, known=f"Linux {series} drops the PAT bit, and {release.text} may carry the fix")
    either = f"{series}.{row.without} drops the PAT bit, {series}.{row.fixed} keeps it"
    return BitLoss(loses=None, known=f"{either}, and {release.text} does not say which it is", config_tells=True)
