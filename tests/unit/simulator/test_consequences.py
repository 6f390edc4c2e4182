"""What it means to want one type and to get another."""

import pytest

from simulator import citations
from simulator.consequence import (
    ASSUMPTIONS,
    CONTEXTS,
    PAIR_VERDICTS,
    REASONS,
    REFUSED_BY_LINUX,
    SHORT,
    judge_in_context,
    judge_pair,
    pair_citations,
)
from simulator.effective import Vendor
from simulator.finding import Outcome, Verdict, worst
from simulator.memory_type import BY_WORD, MemoryType
from simulator.pat import XEN_LAYOUT

MMIO_UC, MMIO_WC, RAM = CONTEXTS


def judge(wanted: str, got: str, at: int, *, corrects: bool = False) -> Outcome:
    return judge_in_context(
        BY_WORD[wanted],
        BY_WORD[got],
        CONTEXTS[at],
        host=XEN_LAYOUT,
        vendor=Vendor.ANY,
        corrects_mmio=corrects,
    )


@pytest.mark.parametrize(
    ("wanted", "got", "mmio_uc", "mmio_wc", "ram"),
    [
        #  wanted got    MMIO under UC    MMIO under WC    RAM under WB
        ("WC", "WT", "UC degraded", "    UC degraded", "    WT conditional"),
        ("WC", "UC-", "UC degraded", "   WC compatible", "  UC degraded"),
        ("WC", "UC", "UC degraded", "    UC degraded", "    UC degraded"),
        ("WC", "WB", "UC degraded", "    WC compatible", "  WB incompatible"),
        ("WT", "WC", "WC incompatible", "WC incompatible", "WC incompatible"),
        ("WT", "WB", "UC compatible", "  WC incompatible", "WB incompatible"),
        ("WT", "UC", "UC compatible", "  UC compatible", "  UC degraded"),
        ("UC-", "WB", "UC compatible", " WC compatible", "  WB incompatible"),
        ("UC-", "UC", "UC compatible", " UC degraded", "    UC compatible"),
        ("UC-", "WC", "WC incompatible", "WC compatible", " WC incompatible"),
        ("UC", "UC-", "UC compatible", " WC conditional", "UC compatible"),
        ("UC", "WC", "WC incompatible", "WC incompatible", "WC incompatible"),
        ("UC", "WT", "UC compatible", "  UC compatible", "  WT incompatible"),
        ("WP", "WT", "UC compatible", "  UC compatible", "  WT conditional"),
        ("WT", "UC-", "UC compatible", " WC conditional", " UC degraded"),
        ("WB", "UC", "UC compatible", "  UC degraded", "    UC degraded"),
    ],
)
def test_pairs_in_every_context(wanted: str, got: str, mmio_uc: str, mmio_wc: str, ram: str) -> None:
    for at, expected in enumerate((mmio_uc, mmio_wc, ram)):
        outcome = judge(wanted, got, at)
        assert f"{outcome.in_force.word} {outcome.verdict.word}" == expected.strip()


def test_linuxs_four_refusals_are_incompatible_on_ram() -> None:
    for wanted, got in (("UC-", "WB"), ("WC", "WB"), ("WT", "WB"), ("WT", "WC")):
        assert judge(wanted, got, 2).verdict is Verdict.INCOMPATIBLE


def test_xen_turns_cacheable_mmio_to_uc() -> None:
    assert judge("WC", "WB", 1, corrects=True).in_force is MemoryType.UC
    assert judge("WC", "WB", 2, corrects=True).in_force is MemoryType.WB
    assert judge("WC", "UC-", 1, corrects=True).in_force is MemoryType.WC


def test_the_same_pat_type_is_as_wanted_even_where_xen_corrects() -> None:
    for word in BY_WORD:
        for at in range(3):
            assert judge(word, word, at, corrects=True).why == "as wanted"


def test_every_pair_has_a_reason_and_every_condition_an_assumption() -> None:
    for (wanted, in_force), verdict in PAIR_VERDICTS.items():
        assert judge_pair(wanted, in_force) is verdict
        assert bool(REASONS[wanted.word][in_force.word]) == (verdict is not Verdict.COMPATIBLE)
        assert ((wanted, in_force) in ASSUMPTIONS) == (verdict is Verdict.CONDITIONAL)


def test_each_pair_cites_what_it_rests_on() -> None:
    for wanted, in_force in PAIR_VERDICTS:
        cites = pair_citations(wanted, in_force)
        assert (citations.LINUX_REFUSALS in cites) == ((wanted, in_force) in REFUSED_BY_LINUX)
        assert (citations.SDM_WC in cites) == (MemoryType.WC in (wanted, in_force))
        assert (citations.XEN_WC_WT_2023 in cites) == ((wanted, in_force) == (MemoryType.WC, MemoryType.WT))


def test_every_pair_that_is_not_conditional_has_a_short_consequence() -> None:
    for (wanted, in_force), verdict in PAIR_VERDICTS.items():
        if verdict in (Verdict.DEGRADED, Verdict.INCOMPATIBLE):
            assert SHORT[wanted.word][in_force.word]


def test_the_worst_of_nothing_is_compatible() -> None:
    assert worst([]) is Verdict.COMPATIBLE
