"""The command's contract, item by item, as issue 3 states it in its section "The command".

In process where a process adds nothing; exit codes, streams and determinism also as processes.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.command import main
from tests.unit.simulator.one_guest import LINUX_4, LINUX_8, RESET, XEN, Data

ROOT = Path(__file__).resolve().parents[3]
ORDER = ["UC", "UC-", "WC", "WT", "WP", "WB"]
MTRRS = {"UC", "WC", "WT", "WP", "WB"}
VERDICTS = {"compatible", "degraded", "conditional", "indeterminate", "incompatible"}

DOM0 = ["--guest", "linux", "--release", "6.12", "--mode", "pv", "--role", "dom0"]
DOMU = ["--guest", "linux", "--release", "6.12", "--mode", "pv", "--role", "domu"]
HVM = ["--guest", "linux", "--release", "6.12", "--mode", "hvm", "--role", "domu"]
PVH = ["--guest", "linux", "--release", "6.12", "--mode", "pvh", "--role", "domu"]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(list(arguments))
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def explained(run):
    def call(*arguments: str) -> Data:
        _, out, _ = run("explain", *arguments, "--format", "json")
        return json.loads(out)

    return call


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "simulator", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | environment, check=False)


def row(answer: Data, wanted: str) -> Data:
    return next(one for one in answer["mappings"] if one["wanted"] == wanted)


def config(tmp_path: Path, text: str) -> str:
    path = tmp_path / "kernel.config"
    path.write_text(text)
    return str(path)


def release_config(release: str, *lines: str) -> str:
    """A whole .config, with all that a PV dom0 needs to boot and to use PAT."""
    base = [f"CONFIG_{symbol}=y" for symbol in ("X86_64", "MTRR", "X86_PAT", "XEN", "XEN_PV", "XEN_DOM0")]
    return "\n".join([f"# Linux/x86 {release} Kernel Configuration", *base, *lines, ""])


# layout TEXT. --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("0x0000050100070406", id="an MSR value"),
        pytest.param("0x50100070406", id="leading zeros are optional"),
        pytest.param("WB WT UC- UC WC WP UC UC", id="eight words"),
        pytest.param("wb wt uc- uc wc wp uc uc", id="in any case"),
        pytest.param("x86/PAT: Configuration [0-7]: WB  WT  UC- UC  WC  WP  UC  UC  ", id="a boot-log line"),
        pytest.param(
            "[    0.000000] x86/PAT: Configuration [0-7]: WB  WT  UC- UC  WC  WP  UC  UC  ", id="with a time stamp"
        ),
        pytest.param("PAT configuration [0-7]: WB  WT  UC- UC  WC  WP  UC  UC  ", id="of 3.19 to 4.1"),
    ],
)
def test_layout(run, text: str) -> None:
    code, out, _ = run("layout", text, "--format", "json")
    got = json.loads(out)
    assert code == 0
    assert set(got) == {"msr", "entries", "name"}
    assert (got["msr"], got["entries"]) == ("0x0000050100070406", ["WB", "WT", "UC-", "UC", "WC", "WP", "UC", "UC"])
    assert got["name"]


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        pytest.param("0x0000050100070206", "PA1", id="2 is reserved"),
        pytest.param("0x0000050100030406", "PA2", id="3 is reserved"),
        pytest.param("0x0000050100070408", "PA0", id="8 is reserved"),
        pytest.param("0x8000050100070406", "PA7", id="the upper five bits are reserved"),
        pytest.param("WB WT UC- XX WC WP UC UC", "PA3", id="no type"),
        pytest.param("WB WT UC- UC WC WP UC", "", id="seven words"),
        pytest.param("WB WT UC- UC WC WP UC UC WB", "", id="nine words"),
        pytest.param("0x10000050100070406", "", id="more than 64 bits"),
        pytest.param("", "", id="nothing"),
        pytest.param("hello", "", id="anything else"),
    ],
)
def test_layout_refused(run, text: str, entry: str) -> None:
    code, out, err = run("layout", text, "--format", "json")
    assert (code, out) == (7, "")
    assert entry in err
    assert err.strip()


@pytest.mark.parametrize("msr", [XEN, LINUX_4, LINUX_8, RESET])
def test_layout_round_trip(run, msr: str) -> None:
    words = " ".join(json.loads(run("layout", msr, "--format", "json")[1])["entries"])
    assert json.loads(run("layout", words, "--format", "json")[1])["msr"] == msr


# effective --vendor. -------------------------------------------------------------------------------------------------

_GRIDS = {
    #            PAT: UC  UC- WC  WT  WP  WB    hardware-and-xen.md 2.1, and 2.2 as facts.md 7 verified it
    "intel": {
        "UC": "       UC  UC  WC  UC  UC  UC",
        "WC": "       UC  WC  WC  UC  UC  WC",
        "WT": "       UC  UC  WC  WT  WP  WT",
        "WP": "       UC  WC  WC  WT  WP  WP",
        "WB": "       UC  UC  WC  WT  WP  WB",
    },
    "amd": {
        "UC": "       UC  UC  WC  UC  UC  UC",
        "WC": "       UC  WC  WC  UC  UC  WC",
        "WT": "       UC  UC  WC  WT  UC  WT",
        "WP": "       UC  UC  WC  UC  WP  WP",
        "WB": "       UC  UC  WC  WT  WP  WB",
    },
}


@pytest.mark.parametrize("vendor", ["intel", "amd"])
def test_effective(run, vendor: str) -> None:
    code, out, _ = run("effective", "--vendor", vendor, "--format", "json")
    got = json.loads(out)
    assert code == 0
    assert set(got) == {"vendor", "grid", "notes"}
    assert got["vendor"] == vendor
    assert got["grid"] == {mtrr: dict(zip(ORDER, line.split(), strict=True)) for mtrr, line in _GRIDS[vendor].items()}
    assert isinstance(got["notes"], list)
    assert any("CD" in str(note) for note in got["notes"]) or vendor == "intel"


# explain: the shape of the answer. -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "flags",
    [
        pytest.param(DOM0, id="dom0"),
        pytest.param(DOMU, id="domU"),
        pytest.param([*DOMU, "--devices", "--target", "mmio"], id="driver domain, mmio"),
        pytest.param(HVM, id="hvm"),
        pytest.param([*PVH, "--devices", "--vendor", "amd"], id="pvh on AMD"),
        pytest.param([*DOM0, "--driver", "nvidia-nv-pat"], id="refused by a driver"),
        pytest.param([*DOM0, "--host-layout", "WT WB UC- UC WC WP UC UC"], id="refused by the boot"),
        pytest.param([*DOM0[:3], "2.6.30", *DOM0[4:]], id="an old kernel"),
        pytest.param([*DOM0, "--host-layout", XEN, "--observed-pat", LINUX_8], id="contradiction"),
        pytest.param([*DOM0[:3], "5.15.55", *DOM0[4:], "--driver", "i915"], id="loses the PAT bit"),
    ],
)
def test_explain_shape(explained, flags: list[str]) -> None:
    answer = explained(*flags)
    assert set(answer) == {"guest", "host_layout", "needs", "mappings", "findings", "verdict", "coverage"}
    assert set(answer["guest"]) == {"family", "release", "mode", "role", "devices", "row", "confidence"}
    assert set(answer["host_layout"]) == {"msr", "entries", "source"}
    assert re.fullmatch("0x[0-9a-f]{16}", answer["host_layout"]["msr"])
    assert len(answer["host_layout"]["entries"]) == 8
    assert answer["host_layout"]["source"] in {"stated", "xen", "guest", "observed"}
    assert answer["verdict"] in VERDICTS
    for need in answer["needs"]:
        assert set(need) == {"wanted", "target", "why", "certain"}
        assert need["wanted"] in ORDER
        assert need["target"] in {"mmio", "ram"}
    assert [one["wanted"] for one in answer["mappings"]] == ORDER
    for one in answer["mappings"]:
        assert set(one) == {
            "wanted",
            "refused",
            "pte_bits",
            "pat_index",
            "pat_type",
            "effective",
            "verdict",
            "findings",
        }
        assert one["verdict"] in VERDICTS
        values = [one["pte_bits"], one["pat_index"], one["pat_type"], one["effective"]]
        if one["refused"] is None:
            assert set(one["pte_bits"]) == {"pat", "pcd", "pwt"}
            assert set(one["effective"]) == MTRRS
        else:
            assert set(one["refused"]) == {"by", "why"}
            assert one["refused"]["by"] in {"kernel", "driver", "xen", "boot"}
            assert one["refused"]["why"]
            assert values == [None] * 4
    for finding in answer["findings"]:
        keys = {"rule", "severity", "verdict", "confidence", "subject", "message", "steps", "fixes"}
        assert set(finding) >= keys
        assert finding["severity"] in {"correctness", "function", "performance", "advice"}
        assert finding["verdict"] in VERDICTS
        assert finding["steps"]
        for step in finding["steps"]:
            assert set(step) == {"text", "cites"}
            assert step["cites"]
    assert set(answer["coverage"]) == {"ran", "not_applicable", "undecided"}
    assert all(set(one) == {"rule", "why"} for one in answer["coverage"]["not_applicable"])
    assert all(set(one) == {"rule", "missing"} for one in answer["coverage"]["undecided"])
    ran, idle = answer["coverage"]["ran"], [one["rule"] for one in answer["coverage"]["not_applicable"]]
    assert not set(ran) & set(idle)


def test_a_finding_has_the_keys_of_the_issue_and_no_other(explained) -> None:
    """The issue gives {rule, severity, verdict, confidence, subject, message, steps, fixes}."""
    (finding, *_) = explained(*DOM0, "--driver", "nvidia-nv-pat")["findings"]
    assert set(finding) - {"assumption"} == {
        "rule",
        "severity",
        "verdict",
        "confidence",
        "subject",
        "message",
        "steps",
        "fixes",
    }


def test_a_mappings_findings_are_findings_of_the_answer(explained) -> None:
    answer = explained(*DOM0[:3], "5.15.55", *DOM0[4:], "--driver", "i915")
    assert {rule for one in answer["mappings"] for rule in one["findings"]} <= {
        one["rule"] for one in answer["findings"]
    }
    assert "ENC020" in row(answer, "WC")["findings"]


def test_text_is_for_people(run) -> None:
    code, out, _ = run("explain", *DOM0)
    assert code == 0
    assert "compatible" in out
    with pytest.raises(json.JSONDecodeError):
        json.loads(out)


# explain: defaults and the guest. ------------------------------------------------------------------------------------


def test_defaults(explained) -> None:
    answer = explained(*DOM0)
    assert answer["host_layout"]["msr"] == XEN
    assert answer["host_layout"]["source"] == "xen"
    assert answer["guest"]["devices"] is True  # dom0 implies devices
    assert explained(*DOMU)["guest"]["devices"] is False
    assert explained(*DOM0, "--xen", "4.22", "--vendor", "intel") == answer


def test_xens_own_layout_by_release(explained) -> None:
    assert explained(*DOM0, "--xen", "3.1")["host_layout"] == {
        "msr": RESET,
        "entries": ["WB", "WT", "UC-", "UC", "WB", "WT", "UC-", "UC"],
        "source": "xen",
    }


@pytest.mark.parametrize(
    ("flags", "msr", "source"),
    [
        pytest.param(DOM0, XEN, "xen", id="xen"),
        pytest.param([*DOM0, "--host-layout", "0x407050600070106"], LINUX_8, "stated", id="stated"),
        pytest.param([*DOM0, "--host-layout", XEN], XEN, "stated", id="stated, the same"),
        pytest.param(HVM, LINUX_8, "guest", id="hvm: its own"),
        pytest.param(PVH, LINUX_8, "guest", id="pvh: its own"),
        pytest.param([*PVH[:-1], "dom0"], LINUX_8, "guest", id="pvh dom0: its own"),
        pytest.param([*DOM0, "--observed-pat", LINUX_8], LINUX_8, "observed", id="observed replaces Xen's"),
        pytest.param([*HVM, "--observed-pat", LINUX_4], LINUX_4, "observed", id="observed replaces the guest's"),
    ],
)
def test_host_layout(explained, flags: list[str], msr: str, source: str) -> None:
    answer = explained(*flags)
    assert (answer["host_layout"]["msr"], answer["host_layout"]["source"]) == (msr, source)


def test_the_guest_is_told_back(explained) -> None:
    got = explained("--guest", "suse-xenlinux", "--release", "2.6.32", "--mode", "pv", "--role", "domu", "--devices")
    assert {key: got["guest"][key] for key in ("family", "release", "mode", "role", "devices")} == {
        "family": "suse-xenlinux",
        "release": "2.6.32",
        "mode": "pv",
        "role": "domu",
        "devices": True,
    }
    assert got["guest"]["confidence"] in {"verified", "derived", "recalled"}


@pytest.mark.parametrize("release", ["8.0", "9.1", "42.0.1"])
def test_a_release_past_the_newest_row(explained, release: str) -> None:
    answer = explained(*DOM0[:3], release, *DOM0[4:])
    assert answer["guest"]["row"] == explained(*DOM0)["guest"]["row"]
    assert any(one["severity"] == "advice" and release in one["message"] for one in answer["findings"])
    assert answer["verdict"] == "compatible"


def test_confidence_never_changes_a_verdict(explained) -> None:
    answer = explained("--guest", "windows", "--release", "10", "--mode", "hvm", "--role", "domu")
    assert (answer["guest"]["confidence"], answer["verdict"]) == ("recalled", "compatible")


@pytest.mark.parametrize(
    "family",
    [
        "linux",
        "xenlinux",
        "suse-xenlinux",
        "linux-jeremy",
        "freebsd",
        "netbsd",
        "openbsd",
        "illumos",
        "mini-os",
        "unikraft",
        "grub",
        "gnumach",
        "windows",
    ],
)
@pytest.mark.parametrize("mode", ["pv", "hvm"])
def test_families(run, family: str, mode: str) -> None:
    code, out, _ = run(
        "explain", "--guest", family, "--release", "3.4", "--mode", mode, "--role", "domu", "--format", "json"
    )
    assert code in {0, 4, 5, 6}
    assert json.loads(out)["guest"]["family"] == family


# explain: needs and the top verdict. ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "needs"),
    [
        pytest.param(DOMU, [("WB", "ram")], id="a pv domU without devices"),
        pytest.param(DOM0, [("WB", "ram"), ("UC-", "mmio")], id="a dom0"),
        pytest.param([*DOMU, "--devices"], [("WB", "ram"), ("UC-", "mmio")], id="a pv domU with devices"),
        pytest.param(HVM, [("WB", "ram"), ("UC-", "mmio")], id="hvm (else)"),
        pytest.param(PVH, [("WB", "ram"), ("UC-", "mmio")], id="pvh (else)"),
        pytest.param([*DOM0, "--encode", "WC=PWT"], [("WB", "ram"), ("UC-", "mmio")], id="an encoding is no need"),
    ],
)
def test_needs_without_a_config_or_drivers(explained, flags: list[str], needs: list[tuple[str, str]]) -> None:
    assert [(one["wanted"], one["target"]) for one in explained(*flags)["needs"]] == needs


def test_a_plain_pv_domu_is_compatible_although_xen_refuses_it_wc(run) -> None:
    code, out, _ = run("explain", *DOMU, "--format", "json")
    answer = json.loads(out)
    assert (code, answer["verdict"]) == (0, "compatible")
    assert row(answer, "WC")["refused"]["by"] == "xen"
    assert row(answer, "WC")["verdict"] == "incompatible"


def test_needs_of_a_config_are_certain_or_possible(explained, tmp_path: Path) -> None:
    path = config(tmp_path, release_config("6.12.0", "CONFIG_DRM_I915=m", "CONFIG_DRM_AST=y"))
    needs = {(one["wanted"], one["target"], one["certain"]) for one in explained(*DOM0, "--config", path)["needs"]}
    assert {("WC", "mmio", True), ("WC", "ram", False)} <= needs


def test_several_drivers(explained) -> None:
    answer = explained(*DOM0, "--driver", "i915", "--driver", "nvidia-nv-pat")
    why = " ".join(one["why"] for one in answer["needs"])
    assert "i915" in why
    assert "nvidia" in why


# explain: --target. --------------------------------------------------------------------------------------------------


def test_without_a_target_there_is_no_rewriting_and_the_mtrr_is_wb(explained) -> None:
    answer = explained(*DOM0)
    assert [one["pat_index"] for one in answer["mappings"]] == [3, 2, 4, 1, 5, 0]
    assert explained(*DOM0, "--target", "ram")["mappings"] == answer["mappings"]


def test_target_mmio(explained) -> None:
    answer = explained(*DOM0, "--target", "mmio")
    assert [one["pat_index"] for one in answer["mappings"]] == [3, 2, 4, 3, 3, 3]
    assert row(answer, "WT")["pte_bits"] == {"pat": 0, "pcd": 0, "pwt": 1}
    assert row(answer, "WT")["pat_type"] == "UC"
    assert row(answer, "WT")["effective"] == {"UC": "UC", "WC": "UC", "WT": "UC", "WP": "UC", "WB": "UC"}
    assert row(answer, "WB")["verdict"] == "degraded"


def test_target_mmio_of_a_guest_without_devices(explained) -> None:
    answer = explained(*DOMU, "--target", "mmio")
    assert {one["refused"]["by"] for one in answer["mappings"]} == {"xen"}
    assert answer["verdict"] == "compatible"


@pytest.mark.parametrize(
    ("flags", "index"),
    [
        pytest.param(["--xen", "4.6"], 1, id="before 4.7"),
        pytest.param(["--xen", "4.7"], 3, id="4.7"),
        pytest.param(["--xen-cmdline", "mmio-relax"], 1, id="relaxed"),
        pytest.param(["--xen-cmdline", "dom0_mem=4G mmio-relax=all loglvl=all"], 1, id="relaxed for all"),
    ],
)
def test_rewriting(explained, flags: list[str], index: int) -> None:
    assert row(explained(*DOM0, "--target", "mmio", *flags), "WT")["pat_index"] == index


def test_hvm_is_not_rewritten(explained) -> None:
    answer = explained(*HVM, "--devices", "--target", "mmio")
    assert [one["pat_index"] for one in answer["mappings"]] == [3, 2, 1, 7, 5, 0]


@pytest.mark.parametrize("target", ["mmio", "ram", None])
def test_a_mappings_verdict_is_at_least_that_of_its_findings(explained, target: str | None) -> None:
    rank = ["compatible", "degraded", "conditional", "indeterminate", "incompatible"].index
    flags = [*DOM0[:3], "5.15.55", *DOM0[4:], "--host-layout", LINUX_8, "--driver", "i915"]
    answer = explained(*flags, *(["--target", target] if target else []))
    place = target or "ram"
    for one in answer["mappings"]:
        subjects = [found for found in answer["findings"] if found["subject"] == f"{one['wanted']} on {place}"]
        assert rank(one["verdict"]) >= max((rank(found["verdict"]) for found in subjects), default=0)


@pytest.mark.parametrize("target", ["mmio", "ram", None])
def test_the_target_does_not_change_the_top_verdict(explained, target: str | None) -> None:
    flags = ["--target", target] if target else []
    assert explained(*DOM0, "--driver", "nvidia-nv-pat", *flags)["verdict"] == "incompatible"
    assert explained(*DOM0, "--host-layout", RESET, "--driver", "ast", *flags)["verdict"] == "degraded"


# explain: errata, hiding, boots elsewhere, observations. -------------------------------------------------------------


def test_errata_cpu(explained) -> None:
    pv = explained(*DOM0, "--errata-cpu")
    assert pv["host_layout"]["msr"] == XEN
    assert (row(pv, "WC")["pat_index"], row(pv, "WC")["pat_type"]) == (4, "WB")
    assert row(pv, "WC")["verdict"] == "incompatible"
    hvm = explained(*HVM, "--errata-cpu")
    assert hvm["host_layout"]["msr"] == LINUX_4
    assert (row(hvm, "WC")["pat_index"], row(hvm, "WC")["pat_type"]) == (1, "WC")
    old = explained(*HVM[:3], "3.18", *HVM[4:], "--errata-cpu")
    assert old["host_layout"]["msr"] == LINUX_4


@pytest.mark.parametrize(
    ("flags", "changes"),
    [
        pytest.param(DOM0, True, id="pv Linux 4.7+"),
        pytest.param([*DOM0[:3], "4.7", *DOM0[4:]], True, id="pv Linux 4.7"),
        pytest.param([*DOM0[:3], "4.6", *DOM0[4:]], False, id="pv Linux 4.6: unchanged"),
        pytest.param([*DOM0[:3], "3.19", *DOM0[4:]], False, id="pv Linux 3.19: unchanged"),
        pytest.param([*DOM0[:3], "3.2", *DOM0[4:]], False, id="pv Linux 3.2: no effect"),
        pytest.param(
            ["--guest", "suse-xenlinux", "--release", "2.6.32", *DOM0[4:]], False, id="SUSE XenLinux: no effect"
        ),
        pytest.param(HVM, True, id="hvm"),
    ],
)
def test_hide_cpuid_pat(explained, flags: list[str], changes: bool) -> None:
    hidden, shown = explained(*flags, "--hide-cpuid-pat"), explained(*flags)
    assert (hidden["mappings"] != shown["mappings"]) is changes
    if changes:  # the reset layout is assumed: no WC, so slot 2; WT by PWT
        assert [one["pte_bits"] for one in hidden["mappings"]] == [
            {"pat": 0, "pcd": 1, "pwt": 1},
            {"pat": 0, "pcd": 1, "pwt": 0},
            {"pat": 0, "pcd": 1, "pwt": 0},
            {"pat": 0, "pcd": 0, "pwt": 1},
            {"pat": 0, "pcd": 1, "pwt": 0},
            {"pat": 0, "pcd": 0, "pwt": 0},
        ]


def test_hide_cpuid_pat_in_hvm_is_walked_under_the_reset_layout(explained) -> None:
    assert explained(*HVM, "--hide-cpuid-pat")["host_layout"]["msr"] == RESET
    assert explained(*DOM0, "--hide-cpuid-pat")["host_layout"]["msr"] == XEN


def test_booted_under(explained) -> None:
    """Encodings learnt from that layout, walked under the host's."""
    answer = explained(*DOM0, "--booted-under", LINUX_8)
    assert answer["host_layout"]["msr"] == XEN
    assert [(one["pat_index"], one["pat_type"]) for one in answer["mappings"]] == [
        (3, "UC"),
        (2, "UC-"),
        (1, "WT"),
        (7, "UC"),
        (5, "WP"),
        (0, "WB"),
    ]
    fixed = explained("--guest", "suse-xenlinux", "--release", "2.6.32", *DOM0[4:], "--booted-under", LINUX_8)
    assert row(fixed, "WC")["pat_index"] == 4


def test_observed_pat_against_a_stated_layout(run) -> None:
    code, out, _ = run("explain", *DOM0, "--host-layout", XEN, "--observed-pat", LINUX_8, "--format", "json")
    assert (code, json.loads(out)["verdict"]) == (5, "indeterminate")
    line = "x86/PAT: Configuration [0-7]: WB  WT  UC- UC  WC  WP  UC  UC  "
    code, out, _ = run("explain", *DOM0, "--host-layout", XEN, "--observed-pat", line, "--format", "json")
    assert (code, json.loads(out)["verdict"]) == (0, "compatible")


def test_encode(explained) -> None:
    answer = explained(*DOM0, "--encode", "WC=PWT", "--encode", "WT=PAT+PCD+PWT", "--encode", "WB=0")
    assert row(answer, "WC")["pte_bits"] == {"pat": 0, "pcd": 0, "pwt": 1}
    assert (row(answer, "WC")["pat_type"], row(answer, "WT")["pat_index"]) == ("WT", 7)


def test_the_loss_of_the_pat_bit_leaves_the_fields_alone(explained) -> None:
    flags = [*DOM0[:3], "5.15.55", *DOM0[4:]]
    answer, fixed = explained(*flags), explained(*DOM0)
    for one, other in zip(answer["mappings"], fixed["mappings"], strict=True):
        for key in ("pte_bits", "pat_index", "pat_type", "effective"):
            assert one[key] == other[key]
    assert row(answer, "WC")["verdict"] == "incompatible"
    assert "ENC020" in row(answer, "WC")["findings"]


@pytest.mark.parametrize("vendor", ["intel", "amd"])
def test_effective_is_by_vendor(explained, vendor: str) -> None:
    answer = explained(*DOM0, "--vendor", vendor)
    for one in answer["mappings"]:
        expected = {mtrr: dict(zip(ORDER, _GRIDS[vendor][mtrr].split(), strict=True)) for mtrr in MTRRS}
        assert one["effective"] == {mtrr: expected[mtrr][one["pat_type"]] for mtrr in MTRRS}


def test_hvm_effective_is_guest_pat_by_guest_mtrr(explained) -> None:
    """What EPT or NPT make of it is a finding, and no field."""
    answer = explained(*HVM)
    assert row(answer, "WC")["effective"]["WB"] == "WC"
    assert any("EPT" in one["message"] for one in answer["findings"])
    assert any("nested paging" in one["message"] for one in explained(*HVM, "--vendor", "amd")["findings"])


# Exit codes. ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "code", "verdict"),
    [
        pytest.param(DOM0, 0, "compatible", id="compatible 0"),
        pytest.param([*DOM0, "--strict"], 0, "compatible", id="compatible 0 with --strict"),
        pytest.param([*DOM0, "--host-layout", RESET, "--driver", "ast"], 0, "degraded", id="degraded 0"),
        pytest.param([*DOM0, "--host-layout", RESET, "--driver", "ast", "--strict"], 3, "degraded", id="degraded 3"),
        pytest.param([*DOM0, "--driver", "nvidia-nv-pat"], 4, "incompatible", id="incompatible 4"),
        pytest.param(
            [*DOM0, "--host-layout", XEN, "--observed-pat", LINUX_8], 5, "indeterminate", id="indeterminate 5"
        ),
        pytest.param([*DOM0, "--xen", "4.15.1", "--driver", "amdgpu"], 6, "conditional", id="conditional 6"),
    ],
)
def test_exit_codes_of_verdicts(run, flags: list[str], code: int, verdict: str) -> None:
    got, out, _ = run("explain", *flags, "--format", "json")
    assert (got, json.loads(out)["verdict"]) == (code, verdict)
    got, out, _ = run("check", *flags, "--format", "json")
    assert (got, json.loads(out)["verdict"]) == (code, verdict)


@pytest.mark.parametrize(
    "flags",
    [
        pytest.param([*HVM, "--host-layout", XEN], id="--host-layout with hvm"),
        pytest.param([*PVH, "--host-layout", XEN], id="--host-layout with pvh"),
        pytest.param([*HVM, "--booted-under", XEN], id="--booted-under with hvm"),
        pytest.param([*PVH, "--booted-under", XEN], id="--booted-under with pvh"),
        pytest.param([*HVM[:-1], "dom0"], id="hvm with dom0"),
        pytest.param([*DOM0, "--no-such-flag"], id="an unknown flag"),
        pytest.param([*DOM0, "--vendor"], id="a flag without its value"),
        pytest.param([*DOM0[:-1], "dom1"], id="an unknown role"),
        pytest.param([*DOM0[:5], "pvv", *DOM0[6:]], id="an unknown mode"),
        pytest.param([*DOM0, "--target", "disk"], id="an unknown target"),
        pytest.param([*DOM0, "--vendor", "via"], id="an unknown vendor"),
        pytest.param([*DOM0, "--format", "xml"], id="an unknown format"),
        pytest.param(DOM0[2:], id="no guest"),
        pytest.param(DOM0[:4], id="no mode, no role"),
        pytest.param([*DOM0, "stray"], id="a stray word"),
    ],
)
def test_usage(run, flags: list[str]) -> None:
    code, out, err = run("explain", *flags)
    assert (code, out) == (64, "")
    assert err.strip()


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="no command"),
        pytest.param(["advise"], id="an unknown command"),
        pytest.param(["layout"], id="layout without its text"),
        pytest.param(["effective", "--vendor", "via"], id="effective of an unknown vendor"),
        pytest.param(["check"], id="check of nothing"),
        pytest.param(["diff", "one.json"], id="diff of one"),
    ],
)
def test_usage_of_the_other_commands(run, arguments: list[str]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (64, "")
    assert err.strip()


@pytest.mark.parametrize(
    "flags",
    [
        pytest.param([*DOM0, "--host-layout", "WB WT"], id="a layout of two"),
        pytest.param([*DOM0, "--host-layout", "0x0000050100070206"], id="a reserved type"),
        pytest.param([*DOM0, "--booted-under", "nonsense"], id="no layout"),
        pytest.param([*DOM0, "--observed-pat", "nonsense"], id="no observation"),
        pytest.param([*DOM0[:3], "six", *DOM0[4:]], id="no release"),
        pytest.param([*DOM0, "--xen", "latest"], id="no release of Xen"),
        pytest.param([*DOM0, "--driver", "no-such-driver"], id="an unknown driver"),
        pytest.param([*DOM0, "--config", "/no/such/file"], id="no file"),
    ],
)
def test_input_refused(run, flags: list[str]) -> None:
    code, out, err = run("explain", *flags, "--format", "json")
    assert (code, out) == (7, "")
    assert err.strip()


def test_a_bad_encoding_is_refused(run) -> None:
    """7 or 64: the issue calls neither."""
    for text in ("WC", "WC=FAST", "XX=PWT"):
        code, out, err = run("explain", *DOM0, "--encode", text)
        assert code in {7, 64}
        assert out == ""
        assert err.strip()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"guests": 3}', '{"platform": {"xen": "9.9"}, "guests": []}'])
def test_a_bad_scenario_is_refused(run, tmp_path: Path, content: str) -> None:
    path = tmp_path / "scenario.json"
    path.write_text(content)
    code, out, err = run("check", str(path), "--format", "json")
    assert (code, out) == (7, "")
    assert err.strip()


# check, diff. --------------------------------------------------------------------------------------------------------


def write(tmp_path: Path, name: str, data: Data) -> str:
    path = tmp_path / name
    path.write_text(json.dumps(data))
    return str(path)


def a_scenario(layout: str = XEN, **guest: object) -> Data:
    facts = {"name": "dom0", "guest": "linux", "release": "6.12", "mode": "pv", "role": "dom0", **guest}
    return {"platform": {"xen": "4.22", "layout": layout, "vendor": "intel"}, "guests": [facts]}


def test_check_of_a_scenario(run, tmp_path: Path) -> None:
    path = write(tmp_path, "a.json", a_scenario(drivers=["nvidia-nv-pat"]))
    code, out, _ = run("check", path, "--format", "json")
    report = json.loads(out)
    assert (code, report["verdict"], report["schema"]) == (4, "incompatible", "patreview.report/1")
    schema = json.loads((ROOT / "docs/schemas/report-1.json").read_text())
    assert set(report) >= set(schema.get("required", []))
    assert "digest" in json.dumps(report)


@pytest.mark.parametrize("kind", ["layout", "scheme"])
def test_check_of_a_proposal(run, tmp_path: Path, kind: str) -> None:
    scenario = a_scenario(guest="suse-xenlinux", release="2.6.32", drivers=["radeon"])
    scenario["proposal"] = {"kind": kind, "layout": LINUX_8}
    code, out, _ = run("check", write(tmp_path, "a.json", scenario), "--format", "json")
    assert code in {0, 4, 5, 6}
    assert json.loads(out)["kind"] == kind


def test_check_takes_explains_flags(run, tmp_path: Path) -> None:
    path = config(tmp_path, release_config("6.12.0", "CONFIG_DRM_AST=y"))
    code, out, _ = run("check", "--config", path, *DOM0, "--host-layout", RESET, "--format", "json")
    assert (code, json.loads(out)["verdict"]) == (0, "degraded")


@pytest.mark.parametrize(
    "flags",
    [
        DOM0,
        DOMU,
        HVM,
        [*PVH, "--devices", "--vendor", "amd"],
        [*DOM0, "--driver", "i915", "--host-layout", LINUX_8],
        [*DOM0[:3], "5.17", *DOM0[4:], "--driver", "i915"],
        [*DOM0, "--host-layout", XEN, "--observed-pat", RESET],
        [*DOM0, "--errata-cpu", "--driver", "amdgpu"],
        [*DOM0, "--hide-cpuid-pat", "--host-layout", LINUX_8, "--need", "WT@ram"],
        [*DOM0, "--booted-under", XEN, "--host-layout", LINUX_8, "--driver", "amdgpu"],
    ],
)
def test_explain_agrees_with_check(run, flags: list[str]) -> None:
    explained = json.loads(run("explain", *flags, "--format", "json")[1])
    checked = json.loads(run("check", *flags, "--format", "json")[1])
    assert explained["verdict"] == checked["verdict"]


def test_diff(run, tmp_path: Path) -> None:
    reports = []
    for name, layout in (("a", LINUX_8), ("b", XEN)):
        scenario = write(tmp_path, f"{name}.json", a_scenario(layout, drivers=["nvidia-nv-pat"]))
        report = tmp_path / f"{name}.report.json"
        report.write_text(run("check", scenario, "--format", "json")[1])
        reports.append(str(report))
    code, out, _ = run("diff", *reports, "--format", "json")
    assert "regressed" in json.dumps(json.loads(out))
    assert code in {0, 4}
    _, out, _ = run("diff", *reversed(reports), "--format", "json")
    assert "fixed" in json.dumps(json.loads(out))
    _, out, _ = run("diff", reports[0], reports[0], "--format", "json")
    assert "unchanged" in out


def test_diff_of_what_is_no_report(run, tmp_path: Path) -> None:
    path = write(tmp_path, "a.json", {"hello": 1})
    code, out, err = run("diff", path, path, "--format", "json")
    assert (code, out) == (7, "")
    assert err.strip()


# rules, guests, hypervisors. -----------------------------------------------------------------------------------------


def test_rules(run) -> None:
    code, out, _ = run("rules", "--format", "json")
    rules = json.loads(out)
    assert code == 0
    assert {rule["id"][:3] for rule in rules} == {"LAY", "XEN", "ENC", "EFF", "DRV", "MIG", "EVI", "SCH"}
    assert all(re.fullmatch("[A-Z]{3}[0-9]{3}", rule["id"]) for rule in rules)
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        assert {"id", "title", "severity", "cites", "fires", "silent"} <= set(rule)
        assert rule["cites"]
    documented = (ROOT / "docs/rules.md").read_text()
    assert all(rule["id"] in documented for rule in rules)


def test_one_rule(run) -> None:
    code, out, _ = run("rules", "ENC010", "--format", "json")
    got = json.loads(out)
    assert code == 0
    assert (got if isinstance(got, dict) else got[0])["id"] == "ENC010"
    code, out, err = run("rules", "ENC999")
    assert code in {7, 64}
    assert (out, bool(err)) == ("", True)


@pytest.mark.parametrize("command", ["guests", "hypervisors", "rules"])
def test_tables_as_text_and_json(run, command: str) -> None:
    code, text, _ = run(command)
    assert (code, bool(text.strip())) == (0, True)
    code, out, _ = run(command, "--format", "json")
    assert code == 0
    assert json.loads(out)


# As processes. -------------------------------------------------------------------------------------------------------


def test_a_process_prints_the_answer_on_stdout_alone() -> None:
    done = process("explain", *DOM0, "--driver", "nvidia-nv-pat", "--format", "json")
    assert (done.returncode, done.stderr) == (4, "")
    assert json.loads(done.stdout)["verdict"] == "incompatible"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["layout", "0x0000050100070206"], 7, id="refused"),
        pytest.param(["explain", *HVM, "--host-layout", XEN], 64, id="usage"),
        pytest.param([], 64, id="nothing"),
    ],
)
def test_a_process_that_refuses_leaves_stdout_empty(arguments: list[str], code: int) -> None:
    done = process(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_equal_inputs_give_equal_bytes() -> None:
    first = process("check", *DOM0, "--driver", "i915", "--format", "json", PYTHONHASHSEED="1", LC_ALL="C")
    again = process("check", *DOM0, "--driver", "i915", "--format", "json", PYTHONHASHSEED="2", LC_ALL="C.UTF-8")
    assert first.stdout == again.stdout != ""


def test_the_door_gives_functions() -> None:
    code = "from simulator import explain, compare; import simulator; print(callable(explain), callable(compare))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["True", "True"]
