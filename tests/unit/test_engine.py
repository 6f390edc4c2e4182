"""The door of the service: plain data in, plain data out."""

import json
import re

import pytest

from patreview import engine
from tests.unit.simulator.scenarios import layout_scenario, make_fleet


def test_check_layout() -> None:
    checked = engine.check_layout("WB WC UC- UC WB WP UC- WT")
    assert checked == {
        "msr": "0x0407050600070106",
        "entries": ["WB", "WC", "UC-", "UC", "WB", "WP", "UC-", "WT"],
        "written_as": "words",
        "note": "",
    }
    with pytest.raises(engine.InvalidInput) as refused:
        engine.check_layout("nonsense")
    assert set(refused.value.problems[0]) == {"code", "message", "field", "source", "line", "column"}


def test_what_is_known() -> None:
    layouts = {one["key"]: one for one in engine.known_layouts()}
    assert set(layouts["xen"]) == {"key", "title", "msr", "entries", "origin", "confidence"}
    assert layouts["linux-4.14"]["msr"] == "0x0407050600070106"
    families = engine.known_families()
    named = [one["family"] for one in families]
    assert (named[0], named[-1], len(set(named))) == ("linux", "stated", len(named))
    assert {"xenlinux", "suse-xenlinux", "linux-jeremy", "freebsd", "netbsd", "windows"} < set(named)
    assert all(one["title"] for one in families)
    assert all(one["hint"] for one in families if one["family"] in ("linux", "xenlinux", "suse-xenlinux", "stated"))


def test_the_tables_are_plain_data() -> None:
    for table in (
        engine.memory_types(),
        engine.known_guests(),
        engine.known_losses(),
        engine.known_drivers(),
        engine.known_hypervisors(),
        engine.rules(),
    ):
        assert table
        assert json.loads(engine.canonical(table)) == table


def test_two_reports_compared() -> None:
    report = engine.analyse(layout_scenario(*make_fleet()))
    assert engine.compare(report, report)["verdict"] == "unchanged"
    with pytest.raises(engine.InvalidInput, match="is no report"):
        engine.compare({}, report)


def test_rules_and_their_digest() -> None:
    assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", engine.ENGINE_VERSION)
    assert re.fullmatch("sha256:[0-9a-f]{64}", engine.rules_digest())
    keys = {"id", "group", "title", "severity", "applies_to", "cites", "about", "fires", "silent"}
    assert {frozenset(rule) for rule in engine.rules()} == {frozenset(keys)}


def test_a_report_is_plain_and_canonical() -> None:
    report = engine.analyse(layout_scenario(*make_fleet()))
    assert json.loads(engine.canonical(report)) == report
    assert len(engine.digest("report", report)) == 64
    assert report["engine"] == {"version": engine.ENGINE_VERSION, "rules_digest": engine.rules_digest()}


def test_a_whole_config_is_read() -> None:
    lines = ["# Linux/x86 6.12.117 Kernel Configuration"]
    lines += [
        f"CONFIG_OPTION_{number}=y" if number % 2 else f"# CONFIG_OPTION_{number} is not set"
        for number in range(12_000)
    ]
    lines += ["CONFIG_XEN=y", "CONFIG_XEN_PV=y", "CONFIG_X86_PAT=y"]
    guest = engine.read_guest({"name": "a"}, [{"role": "config", "name": "c", "text": "\n".join(lines)}], by="dana")
    facts = guest["facts"]
    assert isinstance(facts, dict)
    assert facts["release"]["value"] == "6.12.117"
    assert facts["config"]["lines"] == {"CONFIG_X86_PAT": 12004, "CONFIG_XEN": 12002, "CONFIG_XEN_PV": 12003}


def test_a_guest_in_a_few_words() -> None:
    guest = engine.read_guest({"name": "a", "family": "linux", "mode": "pv", "role": "dom0"}, [], by="dana")
    assert engine.guest_title(guest) == "PV dom0, Linux, release unknown"
    with pytest.raises(engine.InvalidInput):
        engine.guest_title({"facts": {}})


def test_check_platform() -> None:
    engine.check_platform({"xen": "4.17.2"})
    with pytest.raises(engine.InvalidInput, match=r"Xen 2.0 is not known"):
        engine.check_platform({"xen": "2.0"})


def test_refusals_of_the_service() -> None:
    refused = engine.refusal(engine.problem("title", "is missing"), engine.problem("kind", "is odd", code="odd"))
    assert str(refused) == "title: is missing; kind: is odd"
    assert [one["code"] for one in refused.problems] == ["invalid", "odd"]


def test_cost_grows_with_classes_not_guests() -> None:
    few, many = make_fleet(), [one | {"name": f"{one['name']}-{n}"} for n in range(200) for one in make_fleet()]
    report = engine.analyse(layout_scenario(*many))
    assert len(report["classes"]) == len(engine.analyse(layout_scenario(*few))["classes"]) == 5
    assert sum(report["tally"]["after"].values()) == 1000
