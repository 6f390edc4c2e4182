"""Laws of the engine, for every layout and every input."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulator import (
    InvalidInput,
    MemoryType,
    PatLayout,
    PteCacheBits,
    analyse,
    canonical,
    compare,
    compare_inputs,
    explain,
    read_guest,
    read_layout,
)
from simulator.driver import DRIVERS
from simulator.effective import Vendor, effective_type
from simulator.finding import Verdict
from simulator.guest import FAMILIES
from simulator.memory_type import LIBERTIES, MTRR_ORDER, ORDER
from simulator.pair import CONTEXTS, Target, cell, judge
from tests.unit.simulator.scenarios import (
    guest_scenario,
    layout_scenario,
    make_fleet,
    make_gpu,
    make_guest,
    make_linux,
    make_platform,
)

ROOT = Path(__file__).parents[2]
VERDICTS = ["compatible", "degraded", "conditional", "indeterminate", "incompatible"]

types = st.sampled_from(list(MemoryType))
effective_types = st.sampled_from(MTRR_ORDER)
layouts = st.tuples(*[types] * 8).map(PatLayout)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
keys = st.sampled_from(["value", "origin", "lines", "release", "name", "source", "line"]) | st.text()
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
few = settings(max_examples=60, deadline=None, database=None)


def worst(verdicts: Iterable[str]) -> str:
    return max(verdicts, key=VERDICTS.index, default="compatible")


# Layouts and bits


@few
@given(layouts)
def test_a_layout_survives_its_msr_and_its_words(layout: PatLayout) -> None:
    assert PatLayout.from_msr(layout.msr) == layout
    spellings = (
        layout.hex,
        f"{layout.msr:#x}",
        f"{layout.msr:016X}",
        " ".join(layout.words),
        ",".join(layout.words).lower(),
        f"[    0.000000] x86/PAT: Configuration [0-7]: {'  '.join(layout.words)}  ",
    )
    for text in spellings:
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


# The pair table


def liberties(memory_type: MemoryType) -> frozenset[str]:
    return frozenset(one.key for one in LIBERTIES if one.holds(memory_type))


@pytest.mark.parametrize("wanted", ORDER)
@pytest.mark.parametrize("context", CONTEXTS)
def test_more_liberties_are_never_better_once_the_wanted_ones_are_there(wanted: MemoryType, context: Any) -> None:
    """For types that may do all that the wanted one may: a more permissive one is no improvement."""
    able = [one for one in MTRR_ORDER if liberties(one) >= liberties(wanted)]
    for less in able:
        for more in able:
            if liberties(more) >= liberties(less):
                assert cell(wanted, more, context).verdict >= cell(wanted, less, context).verdict


@few
@given(types, effective_types, st.sampled_from(list(Target)), st.booleans())
def test_a_pair_is_as_wanted_where_nothing_is_taken_and_nothing_missed(
    wanted: MemoryType, in_force: MemoryType, target: Target, has_devices: bool
) -> None:
    found = judge(wanted, in_force, target, has_devices)
    assert (found.cell.consequence == "as wanted") == (found.cell.verdict is Verdict.COMPATIBLE)
    if in_force is wanted:
        assert found.verdict is Verdict.COMPATIBLE


# Reports


@settings(max_examples=100, deadline=None, database=None)
@given(layouts, types, types, st.integers(1, 7), st.sampled_from(["4.6", "4.22"]), st.sampled_from(list(Target)))
def test_a_more_permissive_entry_never_improves_a_verdict(
    layout: PatLayout, wanted: MemoryType, entry: MemoryType, index: int, xen: str, target: Target
) -> None:
    """A guest maps a type by fixed bits; the entry that they select may do all that was wanted, and then more.

    Where the MTRR makes the same type of both entries, or leaves each as it is, the verdict gets no better.
    """
    assume(wanted is not MemoryType.WB and liberties(entry) >= liberties(wanted))
    bits = {"WB": "0", "UC-": "PCD", wanted.word: str(index)}
    stated = {"family": "stated", "mode": "pv", "role": "dom0", "encodings": bits}
    guest = make_guest("a", needs=[f"{wanted.word}@{target}"], **stated)
    mtrr = MemoryType.UC if target is Target.MMIO else MemoryType.WB
    verdicts = {}
    for more in (one for one in MemoryType if liberties(one) >= liberties(entry)):
        entries = (MemoryType.WB, *layout.entries[1:index], more, *layout.entries[index + 1 :])
        report: Any = analyse(guest_scenario(guest, layout=PatLayout(entries).hex, release=xen))
        said = (one for one in report["findings"] if one["subject"] == f"{wanted.word} on {target}")
        verdicts[more] = worst(one["verdict"] for one in said if one["rule"] == "ENC010")
    for more, verdict in verdicts.items():
        if liberties(effective_type(mtrr=mtrr, pat=more)) >= liberties(effective_type(mtrr=mtrr, pat=entry)):
            assert VERDICTS.index(verdict) >= VERDICTS.index(verdicts[entry])


@few
@given(layouts)
def test_linux_that_reads_the_msr_is_fine_where_every_type_has_an_entry(layout: PatLayout) -> None:
    report: Any = analyse(guest_scenario(make_gpu("a", "6.12.117"), layout=layout.hex, release="4.18"))
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
    counted = [one["verdict"] for one in report["findings"] if one["state"] != "fixed"]
    assert report["verdict"] == worst(counted)
    fingerprints = [one["fingerprint"] for one in report["findings"]]
    assert len(fingerprints) == len(set(fingerprints))
    assert sum(report["tally"]["after"].values()) == 5
    assert all(one["assumption"] for one in report["findings"] if one["verdict"] == "conditional")
    for one in report["classes"]:
        found = [f for f in report["findings"] if f["class"] == one["key"] and f["state"] != "fixed"]
        assert one["after"] == worst(f["verdict"] for f in found if f["rule"] != "MIG010")
        resumed = VERDICTS.index(one["resumed"] or one["after"])
        assert resumed <= VERDICTS.index(worst(f["verdict"] for f in found))


def shuffled(scenario: Any, seed: int) -> Any:
    mixed = json.loads(json.dumps(scenario))
    random.Random(seed).shuffle(mixed["guests"])
    random.Random(seed + 1).shuffle(mixed["platforms"])
    return mixed


@few
@given(layouts, st.integers(0, 1000))
def test_the_order_of_guests_and_platforms_says_nothing(layout: PatLayout, seed: int) -> None:
    scenario = layout_scenario(*make_fleet(), proposed=layout.hex)
    scenario["platforms"] += [make_platform("4.18", name="other"), make_platform("3.4", name="third")]
    for number, guest in enumerate(scenario["guests"]):
        guest["platforms"] = [["host"], ["other", "host"], ["third", "host"]][number % 3]
    assert canonical(analyse(shuffled(scenario, seed))) == canonical(analyse(scenario))


def test_the_hash_seed_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "scenario.json"
    file.write_text(json.dumps(layout_scenario(*make_fleet())))
    answers = {
        subprocess.run(
            [sys.executable, "-m", "simulator", "check", str(file), "--format", "json"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": locale},
            capture_output=True,
            check=False,
        ).stdout
        for seed, locale in (("0", "C"), ("1", "C.UTF-8"), ("4294967295", "POSIX"))
    }
    (answer,) = answers
    assert json.loads(answer)["verdict"] == "incompatible"


# explain and check


RELEASES = ["2.6.25", "2.6.32.27", "2.6.36-rc1", "3.2", "3.10", "4.1", "5.15", "5.17", "6.1.0-9-amd64", "6.12.1", "7.9"]
single_guests = st.fixed_dictionaries(
    {
        "guest": st.sampled_from(sorted(set(FAMILIES) - {"stated"})) | st.just("linux"),
        "mode": st.sampled_from(["pv", "pvh", "hvm"]),
        "role": st.sampled_from(["dom0", "domU"]),
    },
    optional={
        "release": st.sampled_from(RELEASES),
        "devices": st.booleans(),
        "cmdline": st.sampled_from(["quiet", "nopat"]),
        "encode": st.sampled_from([{"WC": "PWT"}, {"WB": "PAT"}, {"UC": "PAT+PCD"}]),
        "drivers": st.lists(st.sampled_from([driver.key for driver in DRIVERS]), max_size=3),
        "modules": st.lists(st.sampled_from(["i915", "mlx4_core", "unknown"]), max_size=2),
        "needs": st.lists(st.sampled_from(["WC", "WT@ram", "UC@mmio", "WP"]), max_size=2),
        "patches": st.just(["548cb932051f", "72cbc8f04fe2"]),
        "hide_cpuid_pat": st.booleans(),
        "hide_cpuid_mtrr": st.booleans(),
        "errata_cpu": st.booleans(),
        "booted_under": layouts.map(lambda layout: layout.hex),
        "observed_pat": layouts.map(lambda layout: layout.hex),
    },
)
platforms = st.fixed_dictionaries(
    {},
    optional={
        "xen": st.sampled_from(["3.1", "3.4", "4.6", "4.14.2", "4.17", "4.18", "4.22"]),
        "layout": layouts.map(lambda layout: layout.hex),
        "vendor": st.sampled_from(["intel", "amd", "any"]),
        "cmdline": st.sampled_from(["mmio-relax", "mmio-relax=all"]),
        "errata_cpu": st.booleans(),
        "mtrr": st.sampled_from([{"enabled": False}, {"default": "WB"}]),
    },
)


@settings(max_examples=300, deadline=None, database=None)
@given(single_guests, platforms, st.sampled_from([None, "mmio", "ram"]))
def test_explain_agrees_with_check(guest: dict[str, Any], platform: dict[str, Any], target: str | None) -> None:
    scenario = {"platform": platform, "guests": [guest]}
    report = answer_or_refusal(analyse, scenario)
    if report is None:
        assert answer_or_refusal(explain, scenario, target=target) is None
        return
    found: Any = explain(scenario, target=target)
    json.dumps(found)
    assert found["verdict"] == report["verdict"]
    assert [one["wanted"] for one in found["mappings"]] == ["UC", "UC-", "WC", "WT", "WP", "WB"]
    assert worst(one["verdict"] for one in report["findings"]) == report["verdict"]
    said = {(one["rule"], one["subject"]) for one in found["findings"]}
    assert {(one["rule"], one["subject"]) for one in report["findings"]} <= said
    for one in found["mappings"]:
        fields = (one["pte_bits"], one["pat_index"], one["pat_type"], one["effective"])
        assert one["refused"] is None or fields == (None, None, None, None)
        assert set(one["findings"]) <= {finding["rule"] for finding in found["findings"]}


@few
@given(single_guests, platforms)
def test_without_a_correction_a_layout_explains_itself(guest: dict[str, Any], platform: dict[str, Any]) -> None:
    """What a mapping comes to is what the layout that is shown, the vendor's table and the bits say."""
    scenario = {"platform": platform, "guests": [guest]}
    found = answer_or_refusal(explain, scenario)
    if not isinstance(found, dict):
        return
    entries = found["host_layout"]["entries"]
    vendor = Vendor(platform.get("vendor", "intel"))
    is_errata = guest.get("errata_cpu") or platform.get("errata_cpu")
    for one in found["mappings"]:
        if one["pat_index"] is not None:
            bits = one["pte_bits"]
            index = 4 * bits["pat"] + 2 * bits["pcd"] + bits["pwt"]
            assert index == one["pat_index"]
            assert one["pat_type"] == entries[index & 3 if is_errata else index]
            for mtrr in MTRR_ORDER:
                pat = next(each for each in MemoryType if each.word == one["pat_type"])
                assert one["effective"][mtrr.word] == effective_type(mtrr=mtrr, pat=pat, vendor=vendor).word


# Any input


def answer_or_refusal(ask: Callable[..., Any], *arguments: object, **named: object) -> Any:
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


stated_keys = st.sampled_from(
    ["name", "family", "release", "mode", "role", "devices", "cmdline", "encodings", "drivers", "modules", "needs",
     "booted_under", "observed_pat", "patches", "hide_cpuid_pat", "x"]
)  # fmt: skip
files = st.fixed_dictionaries({"role": st.just("config"), "name": st.text(), "text": st.text()})


@few
@given(st.dictionaries(stated_keys, values) | values, st.lists(files | values, max_size=2) | values)
def test_any_statement_is_read_or_refused(stated: object, given_files: object) -> None:
    json.dumps(answer_or_refusal(read_guest, stated, given_files, by="dana"))


fact_keys = st.sampled_from(["family", "release", "mode", "role", "devices", "cmdline", "encodings", "config", "needs"])
fact_values = values | st.sampled_from(["pv", "hvm", "linux", "dom0", "5.15", True])
facts = st.dictionaries(fact_keys, st.fixed_dictionaries({"value": fact_values}) | values)
guests = st.fixed_dictionaries({"name": st.text(min_size=1), "platforms": st.just(["host"]), "facts": facts})
plain_guests = st.dictionaries(stated_keys | st.sampled_from(["guest", "config", "driver", "encode"]), values)
platform_keys = st.sampled_from(["name", "xen", "layout", "vendor", "mtrr", "cmdline", "errata_cpu", "patches"])
scenarios = st.fixed_dictionaries(
    {
        "platforms": st.just(guest_scenario()["platforms"]) | st.lists(st.dictionaries(platform_keys, values)) | values,
        "guests": st.lists(guests | plain_guests, max_size=2) | values,
    },
    optional={"proposal": st.just(layout_scenario()["proposal"]) | st.just({"kind": "scheme"}) | values},
)


@few
@given(scenarios | values)
def test_any_scenario_is_analysed_or_refused(scenario: object) -> None:
    canonical(answer_or_refusal(analyse, scenario))


REPORT = analyse(layout_scenario(*make_fleet()))


@few
@given(st.dictionaries(st.sampled_from(sorted(REPORT)), values) | values)
def test_any_two_values_are_compared_or_refused(data: object) -> None:
    damaged = REPORT | data if isinstance(data, dict) else data
    json.dumps(answer_or_refusal(compare, REPORT, damaged))
    json.dumps(answer_or_refusal(compare, damaged, REPORT))


@pytest.mark.parametrize("text", ["\U0001f600", "é", "\u2028"])
def test_names_are_any_text(text: str) -> None:
    guest = make_linux("a", "6.12.117")
    guest["name"] = f"n{text}" if text != "\u2028" else "n"
    report = analyse(guest_scenario(guest))
    assert canonical(report) == rfc8785.dumps(report)


# Sentences and missing facts


stated_facts = st.fixed_dictionaries(
    {},
    optional={
        "family": st.sampled_from(["linux", "xenlinux", "suse-xenlinux", "netbsd", "windows"]),
        "release": st.sampled_from(
            ["2.6.32.27", "3.2", "3.10", "4.1", "5.15", "5.17", "6.1.0-9-amd64", "6.12.1", "7.9"]
        ),
        "mode": st.sampled_from(["pv", "pvh", "hvm"]),
        "role": st.just("domU"),
        "devices": st.booleans(),
        "cmdline": st.just("nopat"),
        "encodings": st.sampled_from([{"WC": "PWT"}, {"WB": "PAT"}, {"UC": "PAT+PCD"}]),
        "drivers": st.sampled_from([["amdgpu"], ["i915"], ["nvidia-nv-pat"]]),
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
    known = {"mode": "pv", "role": "domU", "devices": True} | stated

    def verdict(**facts: Any) -> str:
        scenario = layout_scenario(make_guest("a", **facts), layout=layout.hex)
        report: Any = analyse(scenario | {"platforms": [make_platform("4.17", layout.hex, vendor=vendor)]})
        return str(report["classes"][0]["after"])

    less = verdict(**{key: value for key, value in known.items() if key not in ("mode", "role", "devices")})
    more = VERDICTS.index(verdict(**known))
    assert less in ("indeterminate", "incompatible") or more <= VERDICTS.index(less)


# Comparisons

SWAPPED = {"regressed": "fixed", "fixed": "regressed", "new": "gone", "gone": "new"}
OPTIONS = st.lists(
    st.sampled_from(["ro", "nopat", "xen.nopat=1", "a=1", "a=2", "a-b", "a_b", "--", "quiet"]), max_size=8
)
SETTINGS = st.dictionaries(
    st.sampled_from(["X86_PAT", "MTRR", "DRM_I915", "HZ", "NET"]), st.sampled_from(["y", "m", "n"]), max_size=5
)
RELEASES = st.sampled_from([None, "2.6.32", "3.2", "5.15.100", "6.12.117"])


@st.composite
def sides(draw: st.DrawFn) -> dict[str, Any]:
    """A layout or a guest with what may come along."""
    note = draw(st.sampled_from(["", "first", "second"]))
    if draw(st.booleans()):
        layout = draw(layouts)
        read = {"msr": layout.hex, "entries": layout.words}
        return {"layout": read, "note": note, "platform": draw(st.sampled_from(["a", "b"]))}
    text = "".join(f"CONFIG_{name}={value}\n" for name, value in draw(SETTINGS).items())
    files = [{"role": "config", "name": "c", "body": text.encode()}] if text else []
    stated = {"family": "linux", "release": draw(RELEASES), "mode": "pv", "cmdline": " ".join(draw(OPTIONS)) or None}
    guest = read_guest({"name": draw(st.sampled_from(["a", "b"]))} | stated, files, by="dana")
    kept = [{"size": len(text), "sha256": text, **one} for one in files] if draw(st.booleans()) else []
    return {"guest": guest, "note": note, "files": kept}


@few
@given(sides(), sides())
def test_the_difference_of_inputs_knows_its_direction(one: dict[str, Any], two: dict[str, Any]) -> None:
    same = compare_inputs(one, one)
    assert same["is_same"] is True
    assert (same["facts"], same["files"], same["note"]) == ([], [], None)
    there, back = compare_inputs(one, two), compare_inputs(two, one)
    assert there["is_same"] is back["is_same"]
    exchanged = {"added": "removed", "removed": "added", "changed": "changed"}
    for part in ("facts", "files"):
        assert [exchanged[row["change"]] for row in there[part]] == [row["change"] for row in back[part]]
    if there["config"]:
        texts = [row["text"].lstrip("+-") for row in there["config"]["symbols"] if row["change"] != "changed"]
        assert sorted(texts) == sorted(
            row["text"].lstrip("+-") for row in back["config"]["symbols"] if row["change"] != "changed"
        )
    json.dumps(there)


@settings(max_examples=15, deadline=None, database=None)
@given(layouts, layouts, RELEASES, RELEASES)
def test_reports_compared_the_other_way_round(one: PatLayout, two: PatLayout, old: str | None, new: str | None) -> None:
    before = analyse(layout_scenario(make_gpu("a", old), make_linux("b", "6.12"), proposed=one.hex))
    after = analyse(layout_scenario(make_gpu("a", new), make_linux("c", "6.12"), proposed=two.hex))
    assert {row["class"] for row in compare(before, before)["rows"]} <= {"unchanged"}
    there, back = compare(before, after), compare(after, before)
    classes = {row["key"]: row["class"] for row in back["rows"]}
    assert classes == {row["key"]: SWAPPED.get(row["class"], row["class"]) for row in there["rows"]}
    assert all(bool(row["why"]) == (row["class"] == "incomparable") for row in there["rows"])
