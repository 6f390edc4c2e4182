"""What a person states of a guest and the .config sent along: facts with origin, or a refusal."""

from typing import Any

import pytest

from simulator import InvalidInput, read_guest
from simulator.inputs.command_line import last_value, says_nopat, split_options
from simulator.inputs.kernel_config import BOUNDS

HEADER = "# Automatically generated file; DO NOT EDIT.\n# Linux/x86 6.1.192 Kernel Configuration\n"


def read(files: list[dict[str, Any]] | None = None, **stated: Any) -> dict[str, Any]:
    return read_guest({"name": "dom0", **stated}, files or [], by="dana")


def config(text: str, name: str = "dom0.config") -> dict[str, Any]:
    return {"role": "config", "name": name, "text": text}


def facts_of(text: str, **stated: Any) -> dict[str, Any]:
    facts: dict[str, Any] = read([config(text)], **stated)["facts"]
    return facts


def test_stated_facts_name_the_person() -> None:
    guest = read(family="linux", release="5.15", mode="pv", role="domU", devices=True, cmdline="a  nopat", encodings={})
    assert {key: fact["value"] for key, fact in guest["facts"].items()} == {
        "family": "linux",
        "release": "5.15",
        "mode": "pv",
        "role": "domU",
        "devices": True,
        "cmdline": "a  nopat",
    }
    assert guest["facts"]["mode"]["origin"] == {"kind": "stated", "by": "dana", "source": None, "line": None}
    assert (guest["name"], guest["notes"]) == ("dom0", [])


def test_empty_text_is_a_fact_that_is_missing() -> None:
    assert read(release="", cmdline=None)["facts"] == {}


def test_encodings_in_one_spelling() -> None:
    stated = {"wc": "pwt", "UC-": "PCD", "UC": "PWT + PCD", "WB": "none", "WT": 7, "WP": "5"}
    assert read(encodings=stated)["facts"]["encodings"]["value"] == {
        "WB": "0",
        "WC": "PWT",
        "UC-": "PCD",
        "UC": "PCD+PWT",
        "WT": "PAT+PCD+PWT",
        "WP": "PAT+PWT",
    }


@pytest.mark.parametrize(
    ("header", "release", "line"),
    [
        ("# Linux/x86 6.1.192 Kernel Configuration", "6.1.192", 3),
        ("# Linux/x86_64 2.6.38.3 Kernel Configuration", "2.6.38.3", 3),
        ("# Linux/i386 3.0.0-rc1 Kernel Configuration", "3.0.0-rc1", 3),
        ("# Linux kernel version: 2.6.18", "2.6.18", 3),
    ],
)
def test_headers_of_a_config(header: str, release: str, line: int) -> None:
    facts = facts_of(f"#\n# Automatically generated make config: don't edit\n{header}\n#\nCONFIG_X86_PAT=y\n")
    assert facts["release"] == {
        "value": release,
        "origin": {"kind": "file", "by": None, "source": "dom0.config", "line": line},
    }
    assert facts["config"]["release"] == {"value": release, "line": line}


def test_symbols_keep_their_lines() -> None:
    facts = facts_of(HEADER + 'CONFIG_XEN=y\n# CONFIG_XEN_PV is not set\nCONFIG_FOO=m\nCONFIG_LOCALVERSION="-a\\"b"\n')
    assert facts["config"]["value"] == {"CONFIG_LOCALVERSION": '"-a\\"b"', "CONFIG_XEN": "y", "CONFIG_XEN_PV": "n"}
    assert facts["config"]["lines"] == {"CONFIG_LOCALVERSION": 6, "CONFIG_XEN": 3, "CONFIG_XEN_PV": 4}
    assert facts["family"]["origin"] == {"kind": "file", "by": None, "source": "dom0.config", "line": 4}


def test_a_config_without_paravirt_symbols_names_no_family() -> None:
    facts = facts_of("CONFIG_XEN=y\n")
    assert "family" not in facts
    assert "release" not in facts
    assert facts["config"]["release"] is None


@pytest.mark.parametrize(
    ("stated", "expected", "kind"),
    [
        ("6.1.192+deb12", "6.1.192+deb12", "stated"),
        ("6.1", "6.1.192", "file"),
        ("6.1.0-56-amd64", "6.1.192", "file"),
        ("6.12.117", "6.12.117", "stated"),
    ],
)
def test_which_release_counts(stated: str, expected: str, kind: str) -> None:
    fact = facts_of(HEADER + "CONFIG_XEN=y\n", release=stated)["release"]
    assert (fact["value"], fact["origin"]["kind"]) == (expected, kind)


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("\ufeffCONFIG_XEN=y\n", "a byte order mark is left out", 1),
        ("CONFIG_A=y\r\n# CONFIG_MTRR is not set\r\n", "lines end in CR LF; the CRs are left out", 1),
        ("CONFIG_XEN=y\nCONFIG_XEN=y\n", "CONFIG_XEN is set twice (first on line 1); this one counts", 2),
        ("CONFIG_XEN=n\n", "CONFIG_XEN=n is read as `# CONFIG_XEN is not set`", 1),
        ("CONFIG_XEN=maybe\n", "CONFIG_XEN has a value that kconfig drops: 'maybe'; the line is left out", 1),
        ("CONFIG_XEN=Y\n", "CONFIG_XEN has a value that kconfig drops: 'Y'; the line is left out", 1),
        ("CONFIG_XEN=m\n", "CONFIG_XEN has a value that kconfig drops: 'm'; the line is left out", 1),
        ("CONFIG_XEN=y #c\n", "CONFIG_XEN is read as y, as kconfig does: 'y #c'", 1),
        ("CONFIG_A=y\nCONFIG-B=y\n", "no setting and no comment: 'CONFIG-B=y'", 2),
        ("CONFIG_A=y\nCONFIG_B\n", "no setting that kconfig writes: 'CONFIG_B'", 2),
        ("CONFIG_A=y\n# CONFIG_B C is not set\n", "no setting that kconfig writes: 'CONFIG_B C'", 2),
        (HEADER + HEADER + "CONFIG_A=y\n", "a second header line with a release; the first one counts", 4),
        ("# Linux/x86 new Kernel Configuration\nCONFIG_A=y\n", "the header states no kernel release: "
         "'# Linux/x86 new Kernel Configuration'", 1),
    ],
)  # fmt: skip
def test_odd_lines_are_notes(text: str, message: str, line: int) -> None:
    assert read([config(text)])["notes"] == [{"message": message, "source": "dom0.config", "line": line}]


def test_a_disabled_symbol_and_a_comment_are_no_notes() -> None:
    text = "# CONFIG_A is not set\n\n# a section\n# Linux is fine\n# CONFIG_B is new\n"
    assert read([config(text)])["notes"] == []


def test_values_that_kconfig_drops_are_not_set() -> None:
    assert facts_of("CONFIG_XEN=y\nCONFIG_XEN=m\n")["config"]["value"] == {"CONFIG_XEN": "y"}
    assert facts_of("CONFIG_XEN_PV=Y\n")["config"]["value"] == {}
    assert facts_of("CONFIG_XEN_PCIDEV_FRONTEND=m\n")["config"]["value"] == {"CONFIG_XEN_PCIDEV_FRONTEND": "m"}


def test_later_values_win() -> None:
    assert facts_of("CONFIG_XEN=y\nCONFIG_XEN=n\n")["config"]["value"] == {"CONFIG_XEN": "n"}


def test_at_most_a_hundred_notes_are_kept() -> None:
    notes = read([config("CONFIG_A=y\n" + "odd\n" * 130)])["notes"]
    assert len(notes) == 101
    assert notes[-1] == {"message": "30 more notes are left out", "source": "dom0.config", "line": None}


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("# nothing\n", "no_config", 1, None),
        ("", "no_config", 1, None),
        ("CONFIG_A=y\nCONFIG\0B=y\n", "not_text", 2, 7),
        ("CONFIG_A=y\n\ud800\n", "not_text", 2, 1),
        ("CONFIG_A=y\n<<<<<<< HEAD\nCONFIG_B=y\n", "merge_conflict", 2, None),
        ("CONFIG_A=y\n=======\n", "merge_conflict", 2, None),
        ("CONFIG_A=y\n>>>>>>> theirs\n", "merge_conflict", 2, None),
        ("#\n# Linux/arm64 6.12.1 Kernel Configuration\nCONFIG_XEN=y\n", "architecture", 2, None),
        ("x" * (BOUNDS.size + 1), "too_large", None, None),
        ("é" * (BOUNDS.size // 2 + 1), "too_large", None, None),
        ("\n" * BOUNDS.lines, "too_many_lines", None, None),
        ("CONFIG_A=y\nCONFIG_B=" + "x" * BOUNDS.line, "line_too_long", 2, BOUNDS.line + 1),
    ],
)
def test_texts_that_are_no_config(text: str, code: str, line: int | None, column: int | None) -> None:
    with pytest.raises(InvalidInput) as refused:
        read([config(text)])
    problem = refused.value.problems[0]
    assert (problem["code"], problem["source"], problem["line"], problem["column"]) == (
        code,
        "dom0.config",
        line,
        column,
    )
    assert "dom0.config" in str(refused.value)


@pytest.mark.parametrize(
    ("stated", "field", "message"),
    [
        ([], None, "an object is wanted, not a list"),
        ({}, "name", "is missing"),
        ({"name": 7}, "name", "text is wanted, not a number"),
        ({"name": 1.5}, "name", "text is wanted, not a number"),
        ({"name": True}, "name", "text is wanted, not true or false"),
        ({"name": "  "}, "name", "is empty"),
        ({"name": "n" * 101}, "name", "101 characters are too many; at most 100"),
        ({"name": "a\nb"}, "name", "control characters and lone surrogates are refused"),
        ({"name": "a\udc00"}, "name", "control characters and lone surrogates are refused"),
        ({"name": "a", "colour": 1}, "colour", "is not known here; known are booted_under, cmdline"),
        ({"name": "a", "patches": ["548cb932", "xyz"]}, "patches[1]", "'xyz' is no commit id: 7 to 40 hex digits"),
        ({"name": "a", "patches": "548cb932"}, "patches", "a list is wanted, not text"),
        ({"name": "a", "mode": "xen"}, "mode", "'xen' is not one of pv, pvh, hvm"),
        ({"name": "a", "devices": "yes"}, "devices", "true or false is wanted, not text" ),
        ({"name": "a", "release": "new"}, "release", "'new' is no kernel release"),
        ({"name": "a", "encodings": ["WC"]}, "encodings", "an object is wanted"),
        ({"name": "a", "encodings": {"XX": "PWT"}}, "encodings", "'XX' is no memory type"),
        ({"name": "a", "encodings": {"wc": "PWT", "WC": "PAT"}}, "encodings", "WC is stated twice"),
        ({"name": "a", "encodings": {"WC": "PWT+PWT"}}, "encodings.WC", "are no PTE bits"),
        ({"name": "a", "encodings": {"WC": "8"}}, "encodings.WC", "are no PTE bits"),
        ({"name": "a", "encodings": {"WC": 8}}, "encodings.WC", "are no PTE bits"),
        ({"name": "a", "encodings": {"WC": True}}, "encodings.WC", "True are no PTE bits"),
        ({"name": "a", "mode": "hvm", "role": "dom0"}, "role", "no dom0 runs in mode hvm: it is pv or pvh"),
        ({"name": "a", "release": "3.20"}, "release", "there never was a Linux 3.20: the last 3.x is 3.19"),
        ({"name": "a", "family": "stated"}, "encodings", "each type's PTE bits must be"),
    ],
)  # fmt: skip
def test_statements_that_are_refused(stated: object, field: str | None, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_guest(stated, [], by="dana")
    assert refused.value.problems[0]["field"] == field
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("files", "field", "message"),
    [
        ({}, "files", "a list is wanted, not an object"),
        ([1], "files[0]", "an object is wanted, not a number"),
        ([{"role": "config", "size": 1}], "files[0].size", "is not known here"),
        ([{"role": "config", "name": "a", "text": None}], "files[0].text", "the file's text is wanted"),
        ([{"role": "picture", "name": "a", "text": ""}], "files[0].role", "'picture' is not one of config, image"),
        ([config("CONFIG_A=y"), config("CONFIG_A=y")], "files[1].role", "a second one of: kernel .config"),
        ([config("CONFIG_A=y")] * 17, "files", "17 items are too many; at most 16"),
    ],
)
def test_files_that_are_refused(files: object, field: str, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_guest({"name": "a"}, files, by="dana")
    assert refused.value.problems[0]["field"] == field
    assert message in str(refused.value)


def test_no_files_may_be_null() -> None:
    assert read_guest({"name": "a"}, None, by="dana")["facts"] == {}


def test_command_lines() -> None:
    assert split_options('root=/dev/sda1 dyndbg="file a +p; b"  quiet') == [
        "root=/dev/sda1",
        "dyndbg=file a +p; b",
        "quiet",
    ]
    assert last_value("a=1 a=2 -- a=3", "a") == "2"
    assert says_nopat("quiet nopat")
    assert not says_nopat('quiet init="x nopat" -- nopat')
