"""hardware-and-xen.md 3.3, rules 7.5 and 7.6, and Linux's refusals: the oracle of the pair table, typed a second time.

The engine derives the table from properties; here it is read off the document's rows.
"""

from itertools import product

import pytest

from simulator import MemoryType, Vendor, effective_type
from simulator.pair import Context, Target, cell, contexts_of, judge, table
from tests.unit.simulator.one_guest import ask, mapping

UC, UC_MINUS, WC, WT, WP, WB = (
    MemoryType.UC,
    MemoryType.UC_MINUS,
    MemoryType.WC,
    MemoryType.WT,
    MemoryType.WP,
    MemoryType.WB,
)
ALL = (UC, UC_MINUS, WC, WT, WP, WB)
IN_FORCE = (UC, WC, WT, WP, WB)
MEMORY, REGISTERS, COHERENT, OUT, IN_OUT = (
    Context.DEVICE_MEMORY,
    Context.REGISTERS,
    Context.COHERENT,
    Context.OUT,
    Context.IN_OUT,
)
UNSNOOPED = (OUT, IN_OUT)
ERROR, WARNING, SLOWER, RIGHT = "incompatible", "conditional", "degraded", "compatible"


def word(wanted: MemoryType, in_force: MemoryType, context: Context) -> str:
    return cell(wanted, in_force, context).verdict.word


# 3.3, what breaks: asked, got, and the effective type on MTRR UC and on MTRR WB. -------------------------------------

ROWS = [
    # asked     got       on UC on WB  MMIO   RAM: coherent OUT     IN_OUT
    pytest.param(WC, WT, UC, WT, SLOWER, (SLOWER, SLOWER, ERROR), id="WC -> WT: stale reads if the device writes"),
    pytest.param(WC, UC_MINUS, UC, UC, SLOWER, (SLOWER, SLOWER, SLOWER), id="WC -> UC-: correct, slow"),
    pytest.param(WC, UC, UC, UC, SLOWER, (SLOWER, SLOWER, SLOWER), id="WC -> UC: correct, slow"),
    pytest.param(WC, WB, UC, WB, SLOWER, (None, ERROR, ERROR), id="WC -> WB: corruption unless the device snoops"),
    pytest.param(WT, WC, WC, WC, ERROR, (ERROR, ERROR, ERROR), id="WT -> WC: correctness, on MMIO too"),
    pytest.param(WT, WB, UC, WB, None, (None, ERROR, ERROR), id="WT -> WB: device visibility lost"),
    pytest.param(UC_MINUS, WB, UC, WB, RIGHT, (None, ERROR, ERROR), id="UC- -> WB: invisible for MMIO"),
    pytest.param(UC, WC, WC, WC, ERROR, (ERROR, ERROR, ERROR), id="UC -> WC: register writes reordered"),
    pytest.param(UC, WT, UC, WT, RIGHT, (None, None, ERROR), id="UC -> WT: MMIO rescued, RAM-DMA broken"),
    pytest.param(UC, WP, UC, WP, RIGHT, (None, None, ERROR), id="UC -> WP: MMIO rescued, RAM-DMA broken"),
    pytest.param(UC, UC_MINUS, UC, UC, RIGHT, (RIGHT, RIGHT, RIGHT), id="UC -> UC-: breaks under MTRR WC only"),
    pytest.param(WP, WT, UC, WT, SLOWER, (None, None, ERROR), id="WP -> WT: writes now update lines"),
    # None: the row does not say
]


@pytest.mark.parametrize(("asked", "got", "on_mmio", "on_ram", "mmio", "ram"), ROWS)
def test_3_3_the_effective_types(
    asked: MemoryType, got: MemoryType, on_mmio: MemoryType, on_ram: MemoryType, mmio: str | None, ram: tuple[str, ...]
) -> None:
    for vendor in (Vendor.INTEL, Vendor.AMD, Vendor.ANY):
        assert effective_type(mtrr=UC, pat=got, vendor=vendor) is on_mmio
        assert effective_type(mtrr=WB, pat=got, vendor=vendor) is on_ram


@pytest.mark.parametrize(("asked", "got", "on_mmio", "on_ram", "mmio", "ram"), ROWS)
def test_3_3_what_breaks(
    asked: MemoryType,
    got: MemoryType,
    on_mmio: MemoryType,
    on_ram: MemoryType,
    mmio: str | None,
    ram: tuple[str | None, ...],
) -> None:
    if mmio is not None:
        contexts = (MEMORY, REGISTERS) if asked in (UC, UC_MINUS) else (MEMORY,)
        assert {word(asked, on_mmio, context) for context in contexts} == {mmio}
    for context, expected in zip((COHERENT, OUT, IN_OUT), ram, strict=True):
        if expected is not None:
            assert word(asked, on_ram, context) == expected, context


def test_3_3_uc_minus_yields_to_an_mtrr_of_wc() -> None:
    """ "UC -> UC-: breaks only under MTRR WC"; "WC -> UC-: fast if MTRR WC"; "WC -> UC kills a WC MTRR"."""
    assert effective_type(mtrr=WC, pat=UC_MINUS) is WC
    assert effective_type(mtrr=WC, pat=UC) is UC
    assert word(UC, WC, REGISTERS) == ERROR
    assert word(WC, WC, MEMORY) == RIGHT
    assert word(WC, UC, MEMORY) == SLOWER


@pytest.mark.parametrize(
    ("in_force", "names"),
    [
        pytest.param(WT, "stale", id="WC -> WT: CPU reads can be stale"),
        pytest.param(WB, "cache", id="WC -> WB: writes stay in the cache"),
    ],
)
def test_3_3_the_consequence_says_so(in_force: MemoryType, names: str) -> None:
    assert names in cell(WC, in_force, IN_OUT).consequence
    assert cell(WC, in_force, IN_OUT).cites


# 3.3, Linux's is_new_memtype_allowed(). ------------------------------------------------------------------------------

REFUSED = {(UC_MINUS, WB), (WC, WB), (WT, WB), (WT, WC)}
SANCTIONED = {(WC, WT), (WC, UC)}  # and WC -> UC-, which is UC in force


@pytest.mark.parametrize("context", UNSNOOPED)
@pytest.mark.parametrize(("wanted", "got"), sorted(REFUSED))
def test_linuxs_four_refusals_hold_where_a_device_does_not_snoop(
    wanted: MemoryType, got: MemoryType, context: Context
) -> None:
    assert word(wanted, got, context) == ERROR


@pytest.mark.parametrize(("wanted", "got"), sorted(REFUSED))
def test_linuxs_four_refusals_hold_for_ram_of_a_guest_with_devices(wanted: MemoryType, got: MemoryType) -> None:
    assert judge(wanted, got, Target.RAM, True).verdict.word == ERROR


@pytest.mark.parametrize(("wanted", "got"), sorted(SANCTIONED))
@pytest.mark.parametrize("target", list(Target))
def test_what_linux_sanctions_is_never_an_error(wanted: MemoryType, got: MemoryType, target: Target) -> None:
    on_mmio = effective_type(mtrr=UC if target is Target.MMIO else WB, pat=got)
    assert judge(wanted, on_mmio, target, True).verdict.word in {SLOWER, WARNING}


def test_what_linux_allows_is_no_proof_of_safety() -> None:
    """guest-kernels.md 1.6: it allows UC -> WC, UC -> WB and UC- -> WC, which 3.3 calls errors."""
    for wanted, got in ((UC, WC), (UC, WB), (UC_MINUS, WC)):
        assert judge(wanted, got, Target.RAM, True).verdict.word == ERROR


# 7.5: severities of the same bits under two layouts. ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "got", "verdict"),
    [
        *(
            pytest.param(asked, WB, ERROR, id=f"WB where {asked.word} was asked: error")
            for asked in (WC, UC_MINUS, UC, WT)
        ),
        *(
            pytest.param(asked, WC, ERROR, id=f"WC where {asked.word} was asked: error")
            for asked in (UC, UC_MINUS, WT, WP)
        ),
        pytest.param(WC, UC, SLOWER, id="UC-, UC where WC was asked: performance only"),
        pytest.param(WC, WT, WARNING, id="WT where WC was asked: warning"),
    ],
)
def test_7_5_on_the_ram_of_a_guest_with_devices(wanted: MemoryType, got: MemoryType, verdict: str) -> None:
    assert judge(wanted, got, Target.RAM, True).verdict.word == verdict


@pytest.mark.parametrize("wanted", [UC, UC_MINUS, WT, WP])
def test_7_5_wc_for_another_type_is_an_error_on_device_memory_too(wanted: MemoryType) -> None:
    assert judge(wanted, WC, Target.MMIO, True).verdict.word == ERROR


def test_7_5_wt_for_wc_rests_on_an_assumption_that_is_named() -> None:
    judged = judge(WC, WT, Target.RAM, True)
    assert judged.assumption is not None
    assert "snoop" in judged.assumption
    assert judge(WC, WT, Target.RAM, False).assumption is None


# 7.6: MTRR UC for a page of MMIO, MTRR WB for RAM. --------------------------------------------------------------------


@pytest.mark.parametrize("vendor", [Vendor.INTEL, Vendor.AMD, Vendor.ANY])
@pytest.mark.parametrize("pat", ALL)
def test_7_6_the_type_of_a_page(pat: MemoryType, vendor: Vendor) -> None:
    assert effective_type(mtrr=UC, pat=pat, vendor=vendor) is (WC if pat is WC else UC)
    assert effective_type(mtrr=WB, pat=pat, vendor=vendor) is (UC if pat is UC_MINUS else pat)


@pytest.mark.parametrize(("wanted", "bits"), [("WC", "PWT"), ("UC", "PAT"), ("UC-", "PAT+PWT")])
@pytest.mark.parametrize(("target", "mtrr"), [("mmio", UC), ("ram", WB), (None, WB)])
def test_7_6_explain_judges_by_the_same_table(target: str | None, mtrr: MemoryType, wanted: str, bits: str) -> None:
    answer = ask(release="6.12", xen="4.6", encode={"WB": "0", wanted: bits}, target=target)
    row = mapping(answer, wanted)
    types = {one.word: one for one in ALL}
    in_force = effective_type(mtrr=mtrr, pat=types[row["pat_type"]])
    assert row["effective"][mtrr.word] == in_force.word
    place = Target.MMIO if target == "mmio" else Target.RAM
    assert row["verdict"] == judge(types[wanted], in_force, place, True).verdict.word


# What must hold of the whole table. ----------------------------------------------------------------------------------


def test_the_table_is_complete() -> None:
    assert [(one.context, one.wanted, one.in_force) for one in table()] == list(product(Context, ALL, IN_FORCE))


@pytest.mark.parametrize("context", list(Context))
@pytest.mark.parametrize("kind", ALL)
def test_a_type_that_is_got_as_wanted_is_compatible(kind: MemoryType, context: Context) -> None:
    assert word(kind, UC if kind is UC_MINUS else kind, context) == RIGHT


@pytest.mark.parametrize("context", list(Context))
@pytest.mark.parametrize("wanted", ALL)
def test_uc_in_force_is_never_an_error(wanted: MemoryType, context: Context) -> None:
    """3.3: whatever was asked, UC is correct, and slow where it was not asked."""
    assert word(wanted, UC, context) == (RIGHT if wanted in (UC, UC_MINUS) else SLOWER)


@pytest.mark.parametrize(("wanted", "in_force"), list(product(ALL, IN_FORCE)))
def test_a_device_that_snoops_less_never_makes_a_pair_better(wanted: MemoryType, in_force: MemoryType) -> None:
    order = [RIGHT, SLOWER, WARNING, "indeterminate", ERROR]
    ranks = [order.index(word(wanted, in_force, context)) for context in (COHERENT, OUT, IN_OUT)]
    assert ranks == sorted(ranks)


def test_who_asks_for_what() -> None:
    """UC and UC- of device memory drive registers; a guest without devices has only snooping observers."""
    for wanted in (UC, UC_MINUS):
        assert (REGISTERS, True) in contexts_of(wanted, Target.MMIO, has_devices=True)
    for wanted in ALL:
        assert {one for one, _ in contexts_of(wanted, Target.RAM, has_devices=False)} == {COHERENT}
