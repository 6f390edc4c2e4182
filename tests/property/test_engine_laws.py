"""Laws of the engine, for every layout and every input."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import InvalidInput, MemoryType, PatLayout, PteCacheBits, analyse, canonical, read_guest, read_layout
from simulator.consequence import CONTEXTS, judge_in_context
from simulator.effective import Vendor, effective_type
from simulator.finding import Verdict
from tests.unit.simulator.scenarios import (
    guest_scenario,
    layout_scenario,
    make_fleet,
    make_guest,
    make_linux,
    make_platform,
)

types = st.sampled_from(list(MemoryType))
layouts = st.tuples(*[types] * 8).map(PatLayout)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
keys = st.sampled_from(["value", "origin", "lines", "release", "name", "source", "line"]) | st.text()
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
few = settings(max_examples=60, deadline=None, database=None)


@few
@given(layouts)
def test_a_layout_survives_its_msr_and_its_words(layout: PatLayout) -> None:
    assert PatLayout.from_msr(layout.msr) == layout
    for text in (layout.hex, " ".join(layout.words), ",".join(layout.words).lower()):
        assert read_layout(text).layout == layout


@few
@given(layouts, types)
def test_an_encoding_selects_the_type_it_encodes(layout: PatLayout, wanted: MemoryType) -> None:
    bits = layout.encode(wanted)
    assert (bits is None) if wanted not in layout.entries else (bits is not None and layout.memory_type(bits) is wanted)


@few
@given(st.integers(0, 7))
def test_bits_and_index_are_one(index: int) -> None:
    assert PteCacheBits.of_index(index).pat_index == index


@few
@given(types, types, layouts, st.booleans())
def test_as_wanted_means_the_same_effective_type(
    wanted: MemoryType, got: MemoryType, host: PatLayout, corrects: bool
) -> None:
    for context in CONTEXTS:
        outcome = judge_in_context(wanted, got, context, host=host, vendor=Vendor.ANY, corrects_mmio=corrects)
        holds = outcome.in_force is effective_type(mtrr=context.mtrr, pat=wanted)
        assert holds == (outcome.verdict is Verdict.COMPATIBLE) == (outcome.why == "as wanted")


@few
@given(layouts)
def test_linux_that_reads_the_msr_is_fine_where_every_type_has_an_entry(layout: PatLayout) -> None:
    report = analyse(guest_scenario(make_linux("a", "6.12.117", role="dom0"), layout=layout.hex, release="4.18"))
    missing = {MemoryType.WC, MemoryType.UC, MemoryType.UC_MINUS, MemoryType.WT} - set(layout.entries)
    if not missing and layout.entries[0] is MemoryType.WB:
        assert report["verdict"] == "compatible"
    if layout.entries[0] is not MemoryType.WB:
        assert report["verdict"] == "incompatible"


@few
@given(layouts)
def test_a_domu_without_devices_is_immune(layout: PatLayout) -> None:
    immune = PatLayout((MemoryType.WB, *layout.entries[1:]))
    report: Any = analyse(layout_scenario(make_linux("a", "5.15", devices=False), proposed=immune.hex))
    assert report["classes"][0]["after"] == "compatible"
    assert report["classes"][0]["resumed"] is None


@few
@given(layouts, layouts)
def test_reports_are_canonical_and_add_up(old: PatLayout, new: PatLayout) -> None:
    report: Any = analyse(layout_scenario(*make_fleet(), layout=old.hex, proposed=new.hex))
    assert canonical(report) == rfc8785.dumps(report)
    words = ["compatible", "degraded", "conditional", "indeterminate", "incompatible"]
    counted = [one["verdict"] for one in report["findings"] if one["state"] != "fixed"]
    assert report["verdict"] == max(counted, key=words.index, default="compatible")
    fingerprints = [one["fingerprint"] for one in report["findings"]]
    assert len(fingerprints) == len(set(fingerprints))
    assert sum(report["tally"]["after"].values()) == 5
    assert all(one["assumption"] for one in report["findings"] if one["verdict"] == "conditional")
    for one in report["classes"]:
        found = [f["verdict"] for f in report["findings"] if f["class"] == one["key"] and f["state"] != "fixed"]
        own = [f["verdict"] for f in report["findings"]
               if f["class"] == one["key"] and f["state"] != "fixed" and f["rule"] != "MIG010"]  # fmt: skip
        assert one["after"] == max(own, key=words.index, default="compatible")
        assert words.index(one["resumed"] or one["after"]) <= words.index(
            max(found, key=words.index, default="compatible")
        )


def answer_or_refusal(ask: Callable[..., object], *arguments: object, **named: object) -> object:
    """The answer; None where the input is refused with problems that name themselves."""
    try:
        return ask(*arguments, **named)
    except InvalidInput as refused:
        problems = refused.problems
    assert problems
    assert all(problem["message"] for problem in problems)
    return None


@few
@given(st.text(max_size=60) | values)
def test_any_text_is_a_layout_or_refused(text: object) -> None:
    answer_or_refusal(read_layout, text)


stated_keys = st.sampled_from(["name", "family", "release", "mode", "role", "devices", "cmdline", "encodings", "x"])
files = st.fixed_dictionaries({"role": st.just("config"), "name": st.text(), "text": st.text()})


@few
@given(st.dictionaries(stated_keys, values) | values, st.lists(files | values, max_size=2) | values)
def test_any_statement_is_read_or_refused(stated: object, given_files: object) -> None:
    json.dumps(answer_or_refusal(read_guest, stated, given_files, by="dana"))


fact_keys = st.sampled_from(["family", "release", "mode", "role", "devices", "cmdline", "encodings", "config"])
fact_values = values | st.sampled_from(["pv", "hvm", "linux", "dom0", "5.15", True])
facts = st.dictionaries(fact_keys, st.fixed_dictionaries({"value": fact_values}) | values)
guests = st.fixed_dictionaries({"name": st.text(min_size=1), "platforms": st.just(["host"]), "facts": facts})
scenarios = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["guest", "layout"]),
        "platforms": st.just(guest_scenario()["platforms"]) | values,
        "proposed": st.just(layout_scenario()["proposed"]) | st.none() | values,
        "guests": st.lists(guests, max_size=2) | values,
    }
)


@few
@given(scenarios | values)
def test_any_scenario_is_analysed_or_refused(scenario: object) -> None:
    canonical(answer_or_refusal(analyse, scenario))


@pytest.mark.parametrize("text", ["\U0001f600", "é", "\u2028"])
def test_names_are_any_text(text: str) -> None:
    guest = make_linux("a", "6.12.117")
    guest["name"] = f"n{text}" if text != "\u2028" else "n"
    report = analyse(guest_scenario(guest))
    assert canonical(report) == rfc8785.dumps(report)


stated_facts = st.fixed_dictionaries(
    {},
    optional={
        "family": st.sampled_from(["linux", "xenlinux", "suse-xenlinux"]),
        "release": st.sampled_from(
            ["2.6.32.27", "3.2", "3.10", "4.1", "5.15", "5.17", "6.1.0-9-amd64", "6.12.1", "7.9"]
        ),
        "mode": st.sampled_from(["pv", "pvh", "hvm"]),
        "role": st.just("domU"),
        "devices": st.booleans(),
        "cmdline": st.just("nopat"),
        "encodings": st.sampled_from([{"WC": "PWT"}, {"WB": "PAT"}, {"UC": "PAT+PCD"}]),
    },
)


@few
@given(stated_facts, st.text("ab c", min_size=1, max_size=90).filter(str.strip), layouts, layouts, st.booleans())
def test_a_report_is_one_sentence_of_at_most_180_characters(
    stated: dict[str, Any], name: str, layout: PatLayout, proposed: PatLayout, is_layout: bool
) -> None:
    guest = make_guest(name, **stated)
    scenario = (
        layout_scenario(guest, layout=layout.hex, proposed=proposed.hex)
        if is_layout
        else guest_scenario(guest, layout=layout.hex)
    )
    report: Any = analyse(scenario)
    assert 20 < len(report["sentence"]) <= 180
    assert report["sentence"][-1] in ".\u2026"
    fingerprints = [finding["fingerprint"] for finding in report["findings"]]
    assert len(set(fingerprints)) == len(fingerprints)


@few
@given(stated_facts, layouts, st.sampled_from(["intel", "amd", "any"]))
def test_knowing_less_is_never_better(stated: dict[str, Any], layout: PatLayout, vendor: str) -> None:
    """A guest whose mode, role and devices are known is no worse than one of whom they are not."""
    order = ["compatible", "degraded", "conditional", "indeterminate", "incompatible"]
    known = {"mode": "pv", "role": "domU", "devices": True} | stated

    def verdict(**facts: Any) -> str:
        report: Any = analyse(
            layout_scenario(make_guest("a", **facts), layout=layout.hex)
            | {"platforms": [make_platform("4.17", layout.hex, vendor=vendor)]}
        )
        return str(report["classes"][0]["after"])

    less = verdict(**{key: value for key, value in known.items() if key not in ("mode", "role", "devices")})
    assert less in ("indeterminate", "incompatible") or order.index(verdict(**known)) <= order.index(less)
