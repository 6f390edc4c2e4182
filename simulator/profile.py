"""One guest behaviour, made definite: enough to judge it under any layout."""

from dataclasses import dataclass

from simulator.guest import STATED, Behaviour, Follows
from simulator.hazard import Hazard
from simulator.memory_type import BY_WORD, ORDER, MemoryType
from simulator.pat import PatLayout


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A behaviour with all that decides: what is wanted, what is stated, what else threatens.

    `stated` are PAT indices that a person states: they win over the behaviour's.
    `hazards` are those that hold under every layout. `without_pat` says by what
    a kernel that asks for UC- in place of WC has no PAT support.
    """

    label: str
    behaviour: Behaviour
    wants: tuple[MemoryType, ...] = ()
    stated: tuple[tuple[MemoryType, int], ...] = ()
    without_pat: str = ""
    loses_pat_bit: bool = False
    insists_on_wb: bool = False
    is_resumable: bool = False
    is_pvh: bool = False
    hazards: tuple[Hazard, ...] = ()

    @property
    def follows(self) -> Follows:
        """What stays with the guest when the layout changes."""
        return self.behaviour.follows

    def how(self, wanted: MemoryType) -> Follows:
        """What stays for one type: stated bits never move."""
        return Follows.INDEX if wanted in dict(self.stated) else self.follows

    def encode(self, wanted: MemoryType, host: PatLayout) -> int:
        """The PAT index that this guest uses for a type under the host's layout."""
        stated = dict(self.stated)
        return stated[wanted] if wanted in stated else self.table_index(wanted, host)

    def table_index(self, wanted: MemoryType, host: PatLayout) -> int:
        """The index that the behaviour alone gives.

        A kernel that reads the MSR takes the lowest index of the type; where the
        layout lacks the type, its built-in default stays.

        Source: linux, init_cache_modes() and __cachemode2pte_tbl.
        """
        asked = MemoryType.UC_MINUS if self.without_pat and wanted is MemoryType.WC else wanted
        found = host.index_of(asked) if self.follows is Follows.TYPE else None
        return self.behaviour.indices[asked] if found is None else found

    def dies_under(self, host: PatLayout) -> bool:
        """Whether the kernel stops at boot for want of WB in entry 0.

        Source: linux, update_cache_mode_entry(), BUG_ON().
        """
        return self.insists_on_wb and host.entries[0] is not MemoryType.WB

    def can_choose(self, wanted: MemoryType) -> bool:
        """Whether another encoding of a type is the kernel's to set."""
        falls_back = bool(self.without_pat) and wanted is MemoryType.WC
        return wanted in dict(self.stated) or (self.behaviour.is_free and not falls_back)

    def as_data(self) -> list[object]:
        """The profile as plain data, for digests; labels tell apart, they are no part of it."""
        return [
            self.behaviour.key,
            [wanted.word for wanted in self.wants],
            [[wanted.word, index] for wanted, index in self.stated],
            self.without_pat,
            self.loses_pat_bit,
            self.insists_on_wb,
            self.is_resumable,
            self.is_pvh,
            [hazard.as_data() for hazard in self.hazards],
        ]


def parse_types(words: str) -> tuple[MemoryType, ...]:
    """The types of a row of a table, as in `WB WC UC- UC`."""
    return tuple(BY_WORD[word] for word in words.split())


def in_order(*groups: tuple[MemoryType, ...]) -> tuple[MemoryType, ...]:
    """The types of some groups, each once, in the order of reports."""
    return tuple(wanted for wanted in ORDER if any(wanted in group for group in groups))


def stated_profile(label: str, stated: tuple[tuple[MemoryType, int], ...], *, is_resumable: bool) -> Profile:
    """A profile of stated bits alone; WB by no bits is what every PV guest wants besides."""
    wants = in_order((MemoryType.WB,), tuple(wanted for wanted, _ in stated))
    return Profile(label=label, behaviour=STATED, wants=wants, stated=stated, is_resumable=is_resumable)
