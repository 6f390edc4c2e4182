"""Guest kernels: how each writes a memory type into its page tables under Xen."""

from dataclasses import dataclass
from enum import StrEnum

from simulator import citations
from simulator.inputs.kernel_release import KernelRelease, parse_series
from simulator.memory_type import BY_WORD, ORDER, MemoryType
from simulator.pat import PatLayout


class Follows(StrEnum):
    """What stays with a guest when the host's layout changes."""

    TYPE = "type"  # it looks the type up in the layout
    INDEX = "index"  # its bits are fixed
    OWN = "own"  # it has a PAT of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One way to encode memory types.

    `indices` are the fixed PAT indices; for one who follows the type, those of
    types that the host's layout lacks.
    """

    key: str
    title: str
    follows: Follows
    indices: dict[MemoryType, int]
    cite: str


# PAT index of:       WB WC UC- UC WT WP     - is not used
_INDEX_ROWS = {
    "reads-msr-3.19": "0  1  2   3  2  2",
    "reads-msr": "     0  2  2   3  2  2",
    "native-bits": "   0  1  2   3  -  -",
    "translates-wc": " 0  4  2   3  -  -",
    "strips": "        0  0  0   0  -  -",
    "masks": "         0  0  0   0  -  -",
    "masks-all": "     0  0  0   0  -  -",
    "xenlinux": "      0  3  2   3  -  -",
    "suse-xenlinux": " 0  4  2   3  1  5",
    "stated": "        -  -  -   -  -  -",
    "unprivileged": "  0  -  -   -  -  -",
    "own-pat": "       -  -  -   -  -  -",
}


def _behave(key: str, title: str, follows: Follows, cite: str) -> Behaviour:
    cells = zip(ORDER, _INDEX_ROWS[key].split(), strict=True)
    fixed = {memory_type: int(cell) for memory_type, cell in cells if cell != "-"}
    return Behaviour(key=key, title=title, follows=follows, indices=fixed, cite=cite)


_TYPE, _INDEX, _OWN = Follows.TYPE, Follows.INDEX, Follows.OWN

READS_MSR_3_19 = _behave("reads-msr-3.19", "reads the PAT MSR at boot", _TYPE, citations.LINUX_CACHE_TABLES)
READS_MSR = _behave("reads-msr", "reads the PAT MSR at boot", _TYPE, citations.LINUX_CACHE_TABLES)
NATIVE_BITS = _behave("native-bits", "sets native Linux bits untranslated", _INDEX, citations.LINUX_NATIVE_BITS)
TRANSLATES = _behave("translates-wc", "translates WC to the PAT bit", _INDEX, citations.LINUX_XEN_TRANSLATES)
STRIPS = _behave("strips", "strips the cache bits of every entry", _INDEX, citations.LINUX_XEN_STRIPS)
MASKS = _behave("masks", "masks the cache bits of every entry", _INDEX, citations.LINUX_XEN_MASKS)
MASKS_ALL = _behave("masks-all", "masks the cache bits of every entry", _INDEX, citations.LINUX_XEN_MASKS_ALL)
XENLINUX = _behave("xenlinux", "sets PCD and PWT alone, never the PAT bit", _INDEX, citations.XENLINUX_BITS)
SUSE = _behave("suse-xenlinux", "sets the bits of Xen's own layout", _INDEX, citations.SUSE_BITS)
STATED = _behave("stated", "sets the bits that a person states", _INDEX, citations.STATED_BITS)
UNPRIVILEGED = _behave("unprivileged", "may set no cache bit: PA0 alone", _INDEX, citations.XEN_L1_MASK)
OWN_PAT = _behave("own-pat", "has a PAT of its own", _OWN, citations.XEN_EPT)

BEHAVIOURS = (
    READS_MSR_3_19,
    READS_MSR,
    NATIVE_BITS,
    TRANSLATES,
    STRIPS,
    MASKS,
    MASKS_ALL,
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
    _linux("2.6.25", "2.6.25", STRIPS, STRIPS, "                  WB UC- UC"),
    _linux("2.6.26", "2.6.35", NATIVE_BITS, MASKS, "              WB WC UC- UC"),
    _linux("2.6.36", "3.2", TRANSLATES, MASKS, "                  WB WC UC- UC"),
    _linux("3.3", "3.18", MASKS_ALL, MASKS_ALL, "                 WB WC UC- UC"),
    _linux("3.19", "4.1", READS_MSR_3_19, READS_MSR_3_19, "       WB WC UC- UC"),
    _linux("4.2", "", READS_MSR, READS_MSR, "                     WB WC UC- UC WT"),
)

XENLINUX_WANTS = "WB WC UC- UC"
SUSE_WANTS = "WB WC UC- UC WT"

#: Before this series, ioremap_wc() without PAT support asks for UC-.
NOPAT_FALLS_BACK_BEFORE = (4, 2)

# PAT-bit loss: the kernel drops bit 7 of an entry when it changes its protection.
# Trees that were read: the last patch of a series without the fix, the first with it.
LOSS_FIRST_SERIES = (3, 19)
LOSS_ROWS: dict[tuple[int, ...], tuple[int, int | None]] = {
    # series  without  with
    (5, 4): (286, None),
    (5, 10): (7, None),
    (5, 15): (55, None),
    (6, 0): (19, None),
    (6, 1): (52, 53),
    (6, 3): (8, None),
    (6, 5): (0, None),
}
LOSS_LAST_MAINLINE = (6, 5)  # x.y and x.y.0 up to this series lack the fix
FIXED_SERIES = (6, 12)  # this series and later have it


@dataclass(frozen=True, slots=True, kw_only=True)
class BitLoss:
    """Whether a kernel loses the PAT bit; None is undecided between two trees that were read."""

    loses: bool | None
    last_without: str = ""
    first_with: str = ""


def loses_pat_bit(release: KernelRelease) -> BitLoss:
    """Whether pgprot_modify() of a Linux release drops the PAT bit.

    Source: the trees of LOSS_ROWS; fix 548cb932051f, "x86/mm: Fix PAT bit
    missing from page protection modify mask".
    """
    series, patch = release.series, release.patch or 0
    if series < LOSS_FIRST_SERIES or series >= FIXED_SERIES:
        return BitLoss(loses=False)
    without, fixed = LOSS_ROWS.get(series, (0, None))
    if series <= LOSS_LAST_MAINLINE and patch <= without:
        return BitLoss(loses=True)
    if fixed is not None and patch >= fixed:
        return BitLoss(loses=False)
    fixed_text = "6.1.53" if series <= (6, 1) else "6.12"
    last = f"{release.series_text}.{without}" if series <= LOSS_LAST_MAINLINE else "6.5.0"
    return BitLoss(loses=None, last_without=last, first_with=fixed_text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One guest behaviour, made definite: enough to judge it under any layout."""

    label: str
    behaviour: Behaviour
    wants: tuple[MemoryType, ...]
    indices: tuple[tuple[MemoryType, int], ...] = ()
    wc_is_uc_minus: bool = False
    loses_pat_bit: bool = False

    @property
    def follows(self) -> Follows:
        """What stays with the guest when the layout changes."""
        return self.behaviour.follows

    def encode(self, wanted: MemoryType, host: PatLayout) -> int:
        """The PAT index that this guest uses for a type under the host's layout.

        A kernel that reads the MSR takes the lowest index of the type; where the
        layout lacks the type, its built-in default stays.

        Source: linux, init_cache_modes() and __cachemode2pte_tbl.
        """
        asked = MemoryType.UC_MINUS if self.wc_is_uc_minus and wanted is MemoryType.WC else wanted
        found = host.index_of(asked) if self.follows is Follows.TYPE else None
        return dict(self.indices)[asked] if found is None else found

    def dies_under(self, host: PatLayout) -> bool:
        """Whether the kernel stops at boot: one that reads the MSR insists on WB in entry 0.

        Source: linux, update_cache_mode_entry(), BUG_ON().
        """
        return self.follows is Follows.TYPE and host.entries[0] is not MemoryType.WB

    def as_data(self) -> list[object]:
        """The profile as plain data, for digests."""
        return [
            self.behaviour.key,
            [wanted.word for wanted in self.wants],
            [[wanted.word, index] for wanted, index in self.indices],
            self.wc_is_uc_minus,
            self.loses_pat_bit,
        ]


def parse_types(words: str) -> tuple[MemoryType, ...]:
    """The types of a row of a table, as in `WB WC UC- UC`."""
    return tuple(BY_WORD[word] for word in words.split())


def make_profile(label: str, behaviour: Behaviour, wants: str, **more: bool) -> Profile:
    """A profile with the indices of its behaviour."""
    return Profile(
        label=label,
        behaviour=behaviour,
        wants=parse_types(wants),
        indices=tuple(behaviour.indices.items()),
        wc_is_uc_minus=more.get("wc_is_uc_minus", False),
        loses_pat_bit=more.get("loses_pat_bit", False),
    )


def tables_as_data() -> object:
    """The tables of this module as plain data, for the digest of the rules."""
    return {
        "behaviours": [
            [row.key, row.follows.value, [[wanted.word, index] for wanted, index in row.indices.items()]]
            for row in BEHAVIOURS
        ],
        "linux": [[row.first, row.last, row.dom0.key, row.driver_domain.key, row.wants.split()] for row in LINUX_ROWS],
        "loss": [[list(series), *patches] for series, patches in LOSS_ROWS.items()],
        "wants": [XENLINUX_WANTS, SUSE_WANTS],
    }
