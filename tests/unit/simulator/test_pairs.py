"""What it means to want one memory type and to get another: the pair table and what is judged by it.

Cell by cell it is stated once more, from the documents, in test_pair_oracle.py.
"""

import pytest

from simulator import citations
from simulator.effective import Vendor, effective_type
from simulator.finding import Verdict, worst
from simulator.memory_type import BY_WORD, LIBERTIES, MTRR_ORDER, ORDER, SERVICES, MemoryType
from simulator.pair import (
    CONTEXTS,
    HARMS,
    READ_BACK,
    REFUSED_BY_LINUX,
    UNSNOOPED_WRITES,
    Context,
    Judgement,
    Target,
    cell,
    contexts_of,
    judge,
    table,
)

CELLS = list(table())


def judge_at(wanted: str, got: str, target: Target, mtrr: str) -> Judgement:
    """A PAT entry of type `got` where `wanted` is asked for, at a place with that MTRR type."""
    in_force = effective_type(mtrr=BY_WORD[mtrr], pat=BY_WORD[got], vendor=Vendor.ANY)
    return judge(BY_WORD[wanted], in_force, target, has_devices=True)


@pytest.mark.parametrize(
    ("wanted", "got", "mmio_uc", "mmio_wc", "ram"),
    [
        #  wanted got    MMIO under UC    MMIO under WC    RAM under WB
        ("WC", "WT", "UC degraded", "    UC degraded", "    WT conditional"),
        ("WC", "UC-", "UC degraded", "   WC compatible", "  UC degraded"),
        ("WC", "UC", "UC degraded", "    UC degraded", "    UC degraded"),
        ("WC", "WB", "UC degraded", "    WC compatible", "  WB incompatible"),
        ("WT", "WC", "WC incompatible", "WC incompatible", "WC incompatible"),
        ("WT", "WB", "UC degraded", "    WC incompatible", "WB incompatible"),
        ("WT", "UC", "UC degraded", "    UC degraded", "    UC degraded"),
        ("UC-", "WB", "UC compatible", " WC incompatible", "WB incompatible"),
        ("UC-", "UC", "UC compatible", " UC compatible", "  UC compatible"),
        ("UC-", "WC", "WC incompatible", "WC incompatible", "WC incompatible"),
        ("UC", "UC-", "UC compatible", " WC incompatible", "UC compatible"),
        ("UC", "WC", "WC incompatible", "WC incompatible", "WC incompatible"),
        ("UC", "WT", "UC compatible", "  UC compatible", "  WT incompatible"),
        ("WP", "WT", "UC degraded", "    UC degraded", "    WT conditional"),
        ("WT", "UC-", "UC degraded", "   WC incompatible", "UC degraded"),
        ("WB", "UC", "UC degraded", "    UC degraded", "    UC degraded"),
    ],
)
def test_a_type_that_another_entry_answers(wanted: str, got: str, mmio_uc: str, mmio_wc: str, ram: str) -> None:
    places = ((Target.MMIO, "UC"), (Target.MMIO, "WC"), (Target.RAM, "WB"))
    for (target, mtrr), expected in zip(places, (mmio_uc, mmio_wc, ram), strict=True):
        found = judge_at(wanted, got, target, mtrr)
        assert f"{found.cell.in_force.word} {found.verdict.word}" == expected.strip()


def test_the_table_is_whole() -> None:
    assert len(CELLS) == len(CONTEXTS) * len(ORDER) * len(MTRR_ORDER) == 150
    assert len({(one.wanted, one.in_force, one.context) for one in CELLS}) == 150


@pytest.mark.parametrize(("wanted", "got"), REFUSED_BY_LINUX)
@pytest.mark.parametrize("context", [Context.OUT, Context.IN_OUT])
def test_linuxs_refusals_are_refused_where_a_device_does_not_snoop(
    wanted: MemoryType, got: MemoryType, context: Context
) -> None:
    one = cell(wanted, got, context)
    assert one.verdict is Verdict.INCOMPATIBLE
    assert citations.LINUX_REFUSALS in one.cites


def test_the_type_that_was_wanted_is_as_wanted() -> None:
    for context in CONTEXTS:
        for wanted in MTRR_ORDER:
            assert cell(wanted, wanted, context)[3:] == (Verdict.COMPATIBLE, (), ())
            assert cell(wanted, wanted, context).consequence == "as wanted"


@pytest.mark.parametrize("one", CELLS, ids=lambda one: f"{one.wanted.word} {one.in_force.word} {one.context.name}")
def test_a_verdict_names_the_properties_that_decide(one: object) -> None:
    found = next(each for each in CELLS if each == one)
    taken = {row.key for row in LIBERTIES if row.holds(found.in_force) and not row.holds(found.wanted)}
    missed = {row.key for row in SERVICES if row.holds(found.wanted) and not row.holds(found.in_force)}
    harmful = max((HARMS[key, found.context] for key in taken), default=Verdict.COMPATIBLE)
    if harmful is Verdict.COMPATIBLE:
        assert found.verdict is (Verdict.DEGRADED if missed else Verdict.COMPATIBLE)
        assert set(found.properties) == missed
    else:
        assert found.verdict is harmful
        assert set(found.properties) <= taken
    assert found.cites
    assert (found.consequence == "as wanted") == (found.verdict is Verdict.COMPATIBLE)


def test_what_is_conditional_rests_on_an_assumption() -> None:
    for wanted in ORDER:
        for in_force in MTRR_ORDER:
            for target in Target:
                for has_devices in (True, False):
                    found = judge(wanted, in_force, target, has_devices)
                    assert (found.assumption is not None) == (found.verdict is Verdict.CONDITIONAL)


def test_which_assumption() -> None:
    assert judge_at("WC", "WT", Target.RAM, "WB").assumption == UNSNOOPED_WRITES
    assert judge_at("WC", "WP", Target.MMIO, "WP").assumption == READ_BACK


def test_who_else_touches_what_is_mapped() -> None:
    assert contexts_of(MemoryType.WB, Target.RAM, has_devices=True) == ((Context.COHERENT, True),)
    assert contexts_of(MemoryType.WC, Target.RAM, has_devices=False) == ((Context.COHERENT, True),)
    assert contexts_of(MemoryType.UC, Target.RAM, has_devices=True) == ((Context.IN_OUT, True),)
    assert contexts_of(MemoryType.UC_MINUS, Target.MMIO, has_devices=True) == ((Context.REGISTERS, True),)
    assert contexts_of(MemoryType.WT, Target.RAM, has_devices=True) == ((Context.OUT, True), (Context.IN_OUT, False))


def test_the_source_of_a_special_pair_is_cited() -> None:
    assert citations.XEN_WC_WT_2023 in cell(MemoryType.WC, MemoryType.WT, Context.OUT).cites
    assert citations.XEN_WC_WT_2023 not in cell(MemoryType.WC, MemoryType.WB, Context.OUT).cites


def test_the_worst_of_nothing_is_compatible() -> None:
    assert worst([]) is Verdict.COMPATIBLE
