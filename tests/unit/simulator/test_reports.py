"""The oracles: what the engine must say of 2010, of the desktop, and of what lies between."""

from typing import Any

import pytest

from simulator import analyse
from tests.unit.simulator.scenarios import (
    LINUX,
    STOCK,
    Data,
    class_of,
    findings_of,
    guest_scenario,
    layout_scenario,
    make_fleet,
    make_gpu,
    make_guest,
    make_linux,
    make_platform,
    scenario_2010,
)

PA6_ONLY = "WB WT UC- UC WC WP UC- UC"


def report_of(scenario: object) -> Data:
    return analyse(scenario)


def outcomes_of(*findings: Data) -> dict[str, str]:
    found = (one for finding in findings for one in finding["outcomes"])
    return {one["context"]: f"{one['in_force']} {one['verdict']}" for one in found}


def test_the_proposal_of_2010() -> None:
    report = report_of(scenario_2010())
    assert report["verdict"] == "conditional"
    ram, mmio = findings_of(report, "ENC010")
    assert [(one["subject"], one["in_force"], one["entry"]) for one in (ram, mmio)] == [
        ("WC on ram", "WT", 1),
        ("WC on mmio", "WT", 1),
    ]
    assert outcomes_of(ram, mmio) == {
        "device memory under an MTRR of UC": "UC degraded",
        "device memory under an MTRR of WC": "UC degraded",
        "RAM under an MTRR of WB": "WT conditional",
    }
    assert (ram["assumption"], mmio["assumption"]) == (
        "no device writes that RAM without snooping the processor's caches",
        None,
    )
    assert report["sentence"] == (
        "pvops asks for WC by PA1 and gets WT in RAM: "
        "right if no device writes that RAM without snooping the processor's caches."
    )
    kinds = [step["kind"] for step in ram["steps"]]
    assert kinds == ["premise", "pte", "index", "pat", "mtrr", "effective", "consequence"]
    assert all(step["cites"] for step in ram["steps"])
    (advice,) = findings_of(report, "ENC030")
    assert (advice["entry"], advice["verdict"], advice["severity"]) == (4, "compatible", "advice")
    assert "Linux 2.6.36 to 3.2 used entry 4; 3.19 and later read the MSR." in advice["message"]
    ran = {row["rule"]: row["findings"] for row in report["coverage"]["ran"]}
    assert ran["ENC010"] == 2
    (one,) = report["classes"]
    assert {want["type"]: want["verdict"] for want in one["wants"] if want["needed"]} == {
        "WB": "compatible",
        "WC": "conditional",
        "UC-": "compatible",
        "UC": "compatible",
    }
    assert (one["before"], one["resumed"], one["change"], report["tally"]["before"]) == (None, None, None, None)
    assert report["platforms"][0]["after"] is None
    assert report["platforms"][0]["wires"] == []


def desktop() -> Data:
    return report_of(layout_scenario(*make_fleet()))


def test_the_desktop() -> None:
    report = desktop()
    assert report["verdict"] == "incompatible"
    table = {
        one["members"][0]: (one["before"], one["after"], one["resumed"], one["change"]) for one in report["classes"]
    }
    assert table == {
        "dom0-6.12": ("compatible", "compatible", None, "unchanged"),
        "net-5.15": ("incompatible", "compatible", "incompatible", "fixed"),
        "usb-6.1": ("compatible", "compatible", "incompatible", "unchanged"),
        "web": ("compatible", "compatible", None, "unchanged"),
        "suse": ("compatible", "incompatible", "incompatible", "regressed"),
    }
    assert report["sentence"] == (
        "SUSE XenLinux 2.6.32 (suse) asks for WC by PA4 and gets WB in RAM: "
        "a device that does not snoop reads stale memory."
    )
    assert class_of(report, "web")["behaviour"] == "may set no cache bit: PA0 alone"
    wants = {want["type"]: want for want in class_of(report, "dom0-6.12")["wants"]}
    assert (wants["WC"]["before"], wants["WC"]["after"]) == ({"index": 4, "type": "WC"}, {"index": 1, "type": "WC"})
    assert (wants["WT"]["before"], wants["WT"]["after"]) == ({"index": 1, "type": "WT"}, {"index": 7, "type": "WT"})
    assert report["tally"]["before"]["incompatible"] == 1
    assert report["tally"]["after"] == {
        "incompatible": 1,
        "indeterminate": 0,
        "conditional": 0,
        "degraded": 0,
        "compatible": 4,
    }


def test_what_xen_itself_needs_of_the_desktops_layout() -> None:
    report = desktop()
    assumptions = {
        finding["rule"]: finding["assumption"] for finding in report["findings"] if finding["rule"].startswith("XEN")
    }
    assert assumptions["XEN010"] == "the constants are patched together with the value: _PAGE_WT, _PAGE_WC"
    assert assumptions["XEN020"].startswith("no PV guest on this platform but those listed")
    assert assumptions["XEN030"] is None
    assert assumptions["XEN040"].startswith("Xen's get_page_from_l1e() was changed too")
    (xen040,) = findings_of(report, "XEN040")
    assert "rewrites WC by index 1 on MMIO to UC" in xen040["message"]
    assert all(finding["assumption"] for finding in report["findings"] if finding["verdict"] == "conditional")


def test_the_lost_pat_bit_is_fixed() -> None:
    found = findings_of(desktop(), "ENC020")
    assert [(one["state"], one["subject"], one["in_force"], one["verdict"]) for one in found] == [
        ("fixed", "WC on ram", "WB", "incompatible"),
        ("fixed", "WC on mmio", "UC", "degraded"),
    ]
    assert found[0]["steps"][1]["value"] == "PAT, then 0"


def test_one_lost_pat_bit_is_fixed_and_a_lesser_one_stays() -> None:
    guest = make_linux("a", "5.15", needs=["WC@ram", "WT@ram"])
    found = findings_of(report_of(layout_scenario(guest)), "ENC020")
    assert [(one["state"], one["subject"], one["in_force"], one["verdict"]) for one in found] == [
        ("new", "WT on ram", "UC", "degraded"),
        ("fixed", "WC on ram", "WB", "incompatible"),
    ]


def test_guests_that_are_saved_and_restored() -> None:
    report = desktop()
    found = findings_of(report, "MIG010", "usb-6.1")
    assert [(one["subject"], one["entry"], one["in_force"], one["verdict"]) for one in found] == [
        ("WC on ram", 4, "WB", "incompatible"),
        ("WC on mmio", 4, "UC", "degraded"),
    ]
    assert findings_of(report, "MIG010", "suse") == []
    (advice,) = findings_of(report, "MIG020")
    assert advice["guests"] == ["net-5.15", "suse", "usb-6.1"]
    more = make_linux("a", "6.1.192", needs=["WC@ram", "WT@ram"])
    assert [(one["wanted"], one["entry"], one["in_force"]) for one in findings_of(
        report_of(layout_scenario(more)), "MIG010"
    )] == [("WC", 4, "WB"), ("WT", 1, "WC")]  # fmt: skip


def test_the_stock_layout_changes_nobody() -> None:
    report = report_of(layout_scenario(*make_fleet(), proposed=STOCK))
    assert {one["change"] for one in report["classes"]} == {"unchanged"}
    assert {finding["state"] for finding in report["findings"]} == {"unchanged"}
    assert report["verdict"] == "incompatible"
    assert not any(entry["changed"] for entry in report["platforms"][0]["entries"])
    without = report_of(layout_scenario(*[g for g in make_fleet() if g["name"] != "net-5.15"], proposed=STOCK))
    assert without["verdict"] == "compatible"


def test_a_change_of_pa6_alone_is_advice() -> None:
    guests = [guest for guest in make_fleet() if guest["name"] != "net-5.15"]
    report = report_of(layout_scenario(*guests, proposed=PA6_ONLY))
    assert report["verdict"] == "compatible"
    assert report["sentence"] == ("No rule objects to the 4 guests under the proposed layout on host (Xen 4.17).")
    (advice,) = findings_of(report, "LAY050")
    assert (advice["entry"], advice["verdict"], advice["state"]) == (6, "compatible", "new")
    assert findings_of(report, "XEN020") == []


def test_the_sentence_counts_whom_it_speaks_of() -> None:
    assert (
        "No rule objects to Xen itself under the proposed layout on"
        in report_of(layout_scenario(proposed=STOCK))["sentence"]
    )
    guest = make_linux("a", "6.12.117")
    assert report_of(guest_scenario(guest))["sentence"] == (
        "No rule objects to the guest under the layout in force on host (Xen 4.17)."
    )


def test_entries_and_wires_of_the_desktop() -> None:
    (platform,) = desktop()["platforms"]
    assert (platform["hypervisor"], platform["before"]["name"]) == ("Xen 4.17", "Xen 3.2 and later")
    assert platform["after"] == {
        "msr": LINUX,
        "entries": ["WB", "WC", "UC-", "UC", "WB", "WP", "UC-", "WT"],
        "name": "Linux 4.14 and later",
    }
    pa1 = platform["entries"][1]
    assert (pa1["byte_before"], pa1["byte_after"], pa1["changed"], pa1["verdict"]) == ("04", "01", True, "incompatible")
    relied = {(user["members"][0], user["wants"], user["how"], user["when"]) for user in pa1["relied_on"]}
    assert ("suse", "WT", "index", "both") in relied
    assert ("dom0-6.12", "WC", "type", "after") in relied
    wires = {(wire["from"], wire["to"], wire["type"], wire["kind"]): wire["safe"] for wire in platform["wires"]}
    assert wires[4, 1, "WC", "type"] is True
    assert wires[1, 1, "WT", "index"] is False
    assert wires[4, 4, "WC", "index"] is False
    assert wires[5, 5, "WP", "idle"] is True
    pa5 = platform["entries"][5]
    assert (pa5["relied_on"], pa5["bits"]) == ([], {"pat": 1, "pcd": 0, "pwt": 1})


def test_an_entry_that_nobody_needs_has_no_verdict() -> None:
    entries = report_of(guest_scenario(make_linux("a", "6.12.117")))["platforms"][0]["entries"]
    assert [entry["verdict"] for entry in entries][5:] == [None, None, None]


@pytest.mark.parametrize(
    ("release", "role", "verdict", "behaviour"),
    [
        ("2.6.25.3", "dom0", "incompatible", "strips the cache bits of every entry"),
        ("2.6.32", "dom0", "conditional", "sets native Linux bits"),
        ("2.6.32.27", "domU", "incompatible", "masks the cache bits of every entry"),
        ("2.6.36", "dom0", "compatible", "translates WC to the PAT bit"),
        ("3.2.71", "dom0", "compatible", "translates WC to the PAT bit"),
        ("3.2.71", "domU", "incompatible", "masks the cache bits of every entry"),
        ("3.18.30", "dom0", "incompatible", "masks the cache bits of every entry"),
        ("6.1.192", "dom0", "compatible", "reads the layout at boot"),
        ("7.2.13", "domU", "compatible", "reads the layout at boot"),
    ],
)
def test_linux_by_release_under_xens_layout(release: str, role: str, verdict: str, behaviour: str) -> None:
    report = report_of(guest_scenario(make_gpu("a", release, role=role), release="4.1"))
    assert (report["verdict"], report["classes"][0]["behaviour"]) == (verdict, behaviour)
    plain = report_of(guest_scenario(make_linux("a", release, role=role), release="4.7"))
    assert plain["verdict"] == "compatible"


def test_a_dom0_that_sets_the_pat_bit_blindly_breaks_under_linuxs_layout() -> None:
    report = report_of(layout_scenario(make_gpu("kiosk", "3.2.71")))
    (finding,) = findings_of(report, "ENC010", subject="WC on ram")
    assert (finding["wanted"], finding["in_force"], finding["fixes"]) == ("WC", "WB", ["keep WC at PA4"])
    assert report["classes"][0]["resumed"] is None


def test_xenlinux_2_6_18_never_sets_the_pat_bit() -> None:
    stated = {"family": "xenlinux", "release": "2.6.18", "mode": "pv", "role": "dom0"}
    for layout in (STOCK, LINUX):
        assert report_of(guest_scenario(make_guest("old", **stated), layout=layout))["verdict"] == "compatible"
        report = report_of(guest_scenario(make_guest("old", needs=["WC"], **stated), layout=layout))
        assert report["verdict"] == "degraded"
        assert {finding["in_force"] for finding in findings_of(report, "ENC010")} == {"UC"}


@pytest.mark.parametrize(
    "more",
    [{"cmdline": "quiet nopat"}, {"config": "# CONFIG_X86_PAT is not set\n"}, {"config": "# CONFIG_MTRR is not set\n"}],
)
def test_before_4_2_a_kernel_without_pat_asks_uc_minus_for_wc(more: dict[str, str]) -> None:
    def guest(release: str) -> Data:
        files = [{"role": "config", "name": "c", "text": more["config"]}] if "config" in more else []
        stated = {"family": "linux", "release": release, "mode": "pv", "role": "dom0", "cmdline": more.get("cmdline")}
        return make_guest("a", *files, drivers=["amdgpu"], **stated)

    old = report_of(guest_scenario(guest("3.2.71")))
    assert old["verdict"] == "degraded"
    for finding in findings_of(old, "ENC010"):
        assert (finding["wanted"], finding["in_force"], finding["entry"]) == ("WC", "UC-", 2)
        assert "it asks for UC- in place of WC" in finding["steps"][0]["why"]
        by_line = "drop nopat from the kernel's command line"
        assert finding["fixes"] == [by_line if "cmdline" in more else "enable CONFIG_X86_PAT, which needs CONFIG_MTRR"]
    assert findings_of(old, "ENC030") == []
    new = report_of(guest_scenario(guest("6.12.117")))
    assert (new["verdict"], findings_of(new, "ENC040")[0]["severity"]) == ("compatible", "advice")


def test_an_absent_type_keeps_the_kernels_default() -> None:
    report = report_of(guest_scenario(make_gpu("a", "6.12.117"), layout="WB WT UC- UC WB WT UC- UC"))
    found = findings_of(report, "ENC010")
    assert {one["subject"] for one in found} == {"WC on mmio", "WC on ram"}
    for finding in found:
        assert (finding["entry"], finding["in_force"], finding["verdict"]) == (2, "UC-", "degraded")
        assert "no entry holds WC, so its built-in default stays" in finding["steps"][0]["why"]
        assert finding["fixes"] == []


def test_a_layout_without_wb_at_entry_0_stops_the_kernel() -> None:
    report = report_of(layout_scenario(make_linux("a", "6.12.117"), proposed="WT WB UC- UC WC WP UC UC"))
    assert report["verdict"] == "incompatible"
    (finding,) = findings_of(report, "EVI010")
    assert (finding["title"], finding["severity"]) == ("The kernel stops at boot", "function")
    assert findings_of(report, "LAY020")[0]["message"].startswith("PA0 is WT: PA0 maps all ordinary memory")
    wants = {want["type"]: want["verdict"] for want in report["classes"][0]["wants"]}
    assert wants["WB"] == "incompatible"


def test_absent_types_are_advice() -> None:
    one = report_of(layout_scenario(proposed="WB WT UC- UC WC WB UC UC"))
    (finding,) = findings_of(one, "LAY040")
    assert finding["title"] == "WP is in no entry"
    two = report_of(layout_scenario(proposed="WB WB UC- UC WC WB UC UC"))
    assert [one["title"] for one in findings_of(two, "LAY040")] == ["WP is in no entry", "WT is in no entry"]
    assert len({one["fingerprint"] for one in findings_of(two, "LAY040")}) == 2


@pytest.mark.parametrize(
    ("proposed", "absent", "message"),
    [
        ("WB WT UC- UC- WC WP UC- UC-", "UC", "guests under shadow paging get PA0, WB, for it; Linux keeps PA3 for it"),
        ("UC WT UC- UC WC WP UC UC", "WB", "get UC for it; Linux keeps PA0 for it, and 3.19 and later stop at boot"),
        ("WB WT UC- UC WT WP UC UC", "WC", "Linux 4.2 and later take PA2 for it, 3.19 to 4.1 take PA1"),
        ("WB WT UC UC WC WP UC UC", "UC-", "Linux takes PA2 for it"),
    ],
)
def test_what_is_taken_for_an_absent_type(proposed: str, absent: str, message: str) -> None:
    report = report_of(layout_scenario(proposed=proposed))
    found = {one["title"]: one["message"] for one in findings_of(report, "LAY040")}
    assert message in found[f"{absent} is in no entry"]


def test_a_layout_may_survive_the_loss_of_the_pat_bit() -> None:
    dom0 = make_gpu("a", "6.12.117")
    (finding,) = findings_of(report_of(layout_scenario(dom0, proposed="WB WC UC- UC WB WC UC- UC")), "LAY030")
    assert finding["state"] == "fixed"
    assert finding["message"].endswith("WC at PA4 becomes WB (PA0); so would WP at PA5, which no guest here uses.")
    linux = report_of(layout_scenario(dom0, proposed=LINUX, layout=LINUX))
    assert findings_of(linux, "LAY030") == []
    all_used = make_guest(
        "b", family="stated", mode="pv", role="dom0", encodings={"WC": "PAT", "WP": "PAT+PWT", "UC-": "PCD"}
    )
    (finding,) = findings_of(report_of(layout_scenario(all_used, proposed=STOCK)), "LAY030")
    assert "which no guest here uses" not in finding["message"]


@pytest.mark.parametrize(
    ("release", "rule", "verdict", "not_applicable"),
    [
        ("3.4", "XEN030", "compatible", {"XEN020", "XEN040", "LAY050", "XEN050", "ENC010", "EFF010", "SCH010"}),
        ("4.17", "XEN040", "conditional", {"XEN050", "ENC010"}),
        ("4.18", "XEN030", "conditional", {"XEN040", "XEN050", "ENC010"}),
    ],
)
def test_xens_rules_by_release(release: str, rule: str, verdict: str, not_applicable: set[str]) -> None:
    report = report_of(layout_scenario(release=release))
    assert findings_of(report, rule)[0]["verdict"] == verdict
    rules = {row["rule"] for row in report["coverage"]["not_applicable"]}
    assert not_applicable <= rules
    assert all(row["why"] for row in report["coverage"]["not_applicable"])


def test_the_mmio_test_by_index_may_only_let_through() -> None:
    report = report_of(layout_scenario(proposed="WB WT UC- UC WC WP WB UC"))
    (finding,) = findings_of(report, "XEN040")
    assert (finding["severity"], finding["in_force"]) == ("correctness", "WB")
    hides = report_of(layout_scenario(proposed="WB UC- UC- UC WC WP UC UC"))
    (finding,) = findings_of(hides, "XEN040")
    assert (finding["severity"], finding["in_force"]) == ("performance", "UC")
    same = report_of(layout_scenario(proposed="WB UC UC- UC WC WP UC UC"))
    assert findings_of(same, "XEN040") == []


def test_a_missing_release_decides() -> None:
    report = report_of(guest_scenario(make_gpu("vendor", None, role="domU")))
    (finding,) = findings_of(report, "EVI020")
    assert report["verdict"] == "indeterminate"
    assert finding["title"] == "Release is missing, and it decides"
    assert "compatible if Linux 3.19 to 4.1, keeping the PAT bit or Linux 4.2 to 4.13, keeping" in finding["message"]
    assert "incompatible if Linux 2.6.25 or Linux 2.6.26 to 2.6.35 or 3 more" in finding["message"]
    steps = {step["value"]: step["why"] for step in finding["steps"]}
    assert steps["Linux 2.6.26 to 2.6.35"] == "then incompatible"
    assert report["sentence"] == (
        "Release of vendor is not known, and it decides: anything from compatible to incompatible."
    )
    (one,) = report["classes"]
    assert (one["title"], one["after"], one["wants"]) == (
        "PV domU with devices, Linux, release unknown",
        "indeterminate",
        [],
    )
    assert one["behaviour"].startswith("undecided: masks the cache bits")
    undecided = {row["rule"]: row["why"] for row in report["coverage"]["undecided"]}
    assert undecided["ENC010"] == "what is known of vendor does not decide how it encodes"
    assert "MIG010" not in undecided


def test_everything_may_be_missing() -> None:
    report = report_of(guest_scenario(make_guest("a", needs=["WC"])))
    (finding,) = findings_of(report, "EVI020")
    assert finding["title"] == "Mode, role, devices, family and release are missing, and they decide"
    assert report["classes"][0]["title"] == "PV, PVH or HVM guest, family unknown"
    stated = make_guest("b", mode="pv", role="domU", family="linux", release="6.12.117")
    assert class_of(report_of(guest_scenario(stated)), "b")["title"] == "PV domU, devices unknown, Linux 6.12.117"


def test_facts_may_come_without_an_origin() -> None:
    guest = make_linux("a", "6.12.117")
    for fact in guest["facts"].values():
        del fact["origin"]
    assert report_of(guest_scenario(guest))["verdict"] == "compatible"


def test_a_missing_fact_that_does_not_decide_is_no_finding() -> None:
    plain = make_guest("a", mode="pv", role="domU", devices=False)
    report = report_of(guest_scenario(plain))
    assert (report["verdict"], findings_of(report, "EVI020")) == ("compatible", [])
    either = make_linux("b", "6.12.117", devices=False)
    either["facts"].pop("devices")
    assert report_of(guest_scenario(either))["verdict"] == "compatible"


def test_a_stated_family_without_encodings_is_missing_them() -> None:
    guest = make_guest("a", mode="pv", role="dom0", needs=["WC"])
    guest["facts"]["family"] = {"value": "stated", "origin": {"kind": "stated", "by": "dana"}}
    (finding,) = findings_of(report_of(guest_scenario(guest)), "EVI020")
    assert finding["title"].startswith("Encodings and release are missing")


@pytest.mark.parametrize(
    ("release", "role", "names"),
    [
        ("5.15.0-91", "domU", ["5.15.131", "5.15.132"]),
        ("2.6.36-rc2", "dom0", ["2.6.35", "2.6.36"]),
        ("3.3-rc1", "dom0", ["3.2", "3.3"]),
        ("2.6.23", "dom0", ["2.6.23", "2.6.24"]),
    ],
)
def test_gaps_of_the_tables_are_not_guessed(release: str, role: str, names: list[str]) -> None:
    report = report_of(guest_scenario(make_gpu("a", release, role=role)))
    (finding,) = findings_of(report, "EVI030")
    assert (report["verdict"], finding["verdict"]) == ("indeterminate", "indeterminate")
    assert all(name in finding["message"] for name in names)


def test_a_gap_that_does_not_decide_is_no_finding() -> None:
    """Under Linux's four entries no type sits above PA3 alone, so a lost PAT bit changes nothing."""
    report = report_of(guest_scenario(make_gpu("a", "5.15.0-91"), layout="WB WC UC- UC WB WC UC- UC", release="4.18"))
    assert findings_of(report, "EVI030") == []
    assert report["verdict"] == "compatible"


def config_guest(text: str, **stated: Any) -> Data:
    return make_guest("a", {"role": "config", "name": "a.config", "text": text}, family="linux", **stated)


@pytest.mark.parametrize(
    ("text", "stated", "message"),
    [
        ("CONFIG_XEN=y\n# CONFIG_XEN_PV is not set\n", {"mode": "pv", "role": "domU", "devices": False},
         "CONFIG_XEN_PV is not set (a.config:2), so this kernel cannot boot as a PV domU"),
        ("# CONFIG_XEN is not set\n", {"mode": "pv", "role": "dom0"}, "CONFIG_XEN is not set (a.config:1)"),
        ("# CONFIG_XEN_DOM0 is not set\n", {"mode": "pv", "role": "dom0"}, "cannot boot as a PV dom0"),
        ("# CONFIG_XEN_PVH is not set\n", {"mode": "pvh", "role": "domU"}, "cannot boot as a PVH domU"),
        ("# CONFIG_XEN_DOM0 is not set\n", {"mode": "pvh", "role": "dom0"}, "cannot boot as a PVH dom0"),
    ],
)  # fmt: skip
def test_a_configuration_that_cannot_boot(text: str, stated: Data, message: str) -> None:
    report = report_of(guest_scenario(config_guest(text, release="6.12.117", **stated)))
    assert report["verdict"] == "incompatible"
    (finding,) = findings_of(report, "EVI010")
    assert message in finding["message"]


def test_without_a_config_its_rules_do_not_apply() -> None:
    rows = report_of(guest_scenario(make_linux("a", "6.12.117")))["coverage"]["not_applicable"]
    why = {row["rule"]: row["why"] for row in rows}
    assert why["EVI040"] == "no .config was sent"


def test_a_configuration_that_can_boot() -> None:
    guest = config_guest(
        "CONFIG_XEN_PV=y\n# CONFIG_XEN_DOM0 is not set\n", mode="pv", role="domU", devices=True, release="6.12"
    )
    assert report_of(guest_scenario(guest))["verdict"] == "compatible"


WHOLE = "# Linux/x86 {release} Kernel Configuration\n" + "".join(
    f"CONFIG_{symbol}=y\n" for symbol in ("X86_64", "MTRR", "X86_PAT", "XEN", "XEN_PV", "XEN_DOM0", "DRM_AMDGPU")
)


def test_two_inputs_that_contradict_each_other_are_both_named() -> None:
    guest = config_guest(WHOLE.format(release="6.1.20"), mode="pv", role="dom0", release="6.12.117")
    report = report_of(guest_scenario(guest))
    assert report["verdict"] == "indeterminate"
    (finding,) = findings_of(report, "EVI040")
    assert (
        "the release is 6.12.117 (stated by dana), but 6.1.20 in the .config's header (a.config:1)"
        in finding["message"]
    )
    assert "incompatible if Linux 6.1.20" in finding["message"]
    assert findings_of(report, "EVI020") == findings_of(report, "EVI030") == []
    header = config_guest(WHOLE.format(release="6.1.192"), mode="pv", role="dom0")
    assert report_of(guest_scenario(header))["verdict"] == "compatible"
    header["facts"]["release"]["value"] = "6.2"
    assert "6.2 (a.config:1)" in findings_of(report_of(guest_scenario(header)), "EVI040")[0]["message"]
    header["facts"]["config"]["release"]["line"] = None
    header["facts"]["release"]["origin"]["line"] = None
    assert (
        "6.2 (a.config), but 6.1.192 in the .config's header (a.config)"
        in (findings_of(report_of(guest_scenario(header)), "EVI040")[0]["message"])
    )


@pytest.mark.parametrize(
    "stated",
    [
        {"mode": "pv", "role": "dom0", "release": "6.12.116"},
        {"mode": "pv", "role": "domU", "devices": False, "release": "6.1.20"},
        {"mode": "hvm", "role": "domU", "release": "3.2"},
    ],
)
def test_a_contradiction_that_does_not_decide_is_no_finding(stated: Data) -> None:
    report = report_of(guest_scenario(config_guest(WHOLE.format(release="6.12.117"), **stated)))
    assert (report["verdict"], findings_of(report, "EVI040")) == ("compatible", [])


def test_a_distributions_release_gives_way_to_the_header() -> None:
    guest = config_guest(WHOLE.format(release="6.1.192"), mode="pv", role="dom0", release="6.1.0-56-amd64")
    report = report_of(guest_scenario(guest))
    assert (report["verdict"], report["classes"][0]["title"]) == ("compatible", "PV dom0, Linux 6.1.192")


def test_equal_guests_are_one_class() -> None:
    fleet = [make_gpu(f"g{number:03}", f"6.12.{number % 5}", role="domU") for number in range(200)]
    report = report_of(layout_scenario(*fleet))
    (one,) = report["classes"]
    assert len(one["members"]) == 200
    assert one["members"] == sorted(one["members"])
    assert one["title"] == "PV domU with devices, Linux 6.12.0, Linux 6.12.1, Linux 6.12.2 and 2 more"
    assert one["key"].startswith("c-")
    assert len(one["key"]) == 10
    assert findings_of(report, "MIG010")[0]["message"].startswith("200 guests (PV domU with devices")


def test_several_platforms() -> None:
    old = make_platform("3.4", name="old")
    guest = make_gpu("a", "3.2.71")
    guest["platforms"] = ["host", "old"]
    scenario = guest_scenario(guest)
    scenario["platforms"] = [make_platform(layout=LINUX), old]
    report = report_of(scenario)
    assert [one["name"] for one in report["platforms"]] == ["host", "old"]
    assert {one["platform"]: one["after"] for one in report["classes"]} == {"host": "incompatible", "old": "compatible"}
    assert report["tally"]["after"]["incompatible"] == 1


def test_improved_is_better_but_was_not_broken() -> None:
    guest = make_gpu("a", "6.12.117")
    report = report_of(layout_scenario(guest, layout="WB WT UC- UC WB WT UC- UC", proposed=LINUX))
    assert report["classes"][0]["change"] == "improved"
    assert report["classes"][0]["before"] == "degraded"


def test_a_finding_that_says_something_else_has_changed() -> None:
    guest = make_linux("a", "3.2.71", role="dom0", needs=["WC@ram"])
    layout = "WB WT UC- UC WT WP UC UC"
    report = report_of(layout_scenario(guest, layout=layout, proposed="WB WT UC- UC WB WP UC UC"))
    (finding,) = findings_of(report, "ENC010")
    assert (finding["state"], finding["fixes"]) == ("changed", ["put WC at PA4"])
    assert finding["steps"][3]["value"] == "WB, was WT"


def test_a_restored_guest_may_lose_the_pat_bit_too() -> None:
    both = "WB WC UC- UC WC WT UC UC"
    guest = make_linux("a", "5.15", needs=["WC@ram", "WT@ram"])
    found = {one["wanted"]: one for one in findings_of(report_of(layout_scenario(guest, proposed=both)), "MIG010")}
    assert found["WC"]["steps"][2]["value"] == "PAT, then 0"
    assert "keeps index 4 for WC and loses the PAT bit: PA0 was WB and is WB" in found["WC"]["message"]
    assert (found["WT"]["entry"], found["WT"]["in_force"]) == (1, "WC")


def test_the_sentence_names_platforms_where_a_guest_is_judged() -> None:
    scenario = guest_scenario(make_linux("a", "6.12.117"))
    scenario["platforms"].append(make_platform(name="empty"))
    report = report_of(scenario)
    assert report["sentence"].endswith("the guest under the layout in force on host (Xen 4.17).")
