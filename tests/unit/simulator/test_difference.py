"""What changed in the inputs of two revisions: entries, facts, options, symbols."""

import gzip
from typing import Any

import pytest

from simulator import compare_inputs, read_guest, read_layout_text
from simulator.difference import ITEMS_LIMIT, SYMBOLS_LIMIT
from simulator.inputs.kernel_config import read_symbols
from tests.unit.simulator.scenarios import HEADER, LINUX, STOCK, Data

SAME = {"layout": None, "facts": [], "cmdline": None, "config": None, "files": [], "note": None}


def layout(text: str = STOCK, **more: Any) -> Data:
    return {"layout": read_layout_text(text), **more}


def guest(config: str | bytes | None = None, *, name: str = "a", has_file: bool = True, **stated: Any) -> Data:
    """A guest with its .config, whose bytes are at hand unless told otherwise."""
    body = config.encode() if isinstance(config, str) else config
    files = [] if body is None else [{"role": "config", "name": "c", "body": body}]
    facts = {"name": name, "family": "linux", "mode": "pv", "role": "dom0", **stated}
    known = [{"size": len(body or b""), "sha256": str(hash(body)), **one} for one in files] if has_file else []
    return {"guest": read_guest(facts, files, by="dana"), "files": known}


def symbols(**values: str) -> str:
    lines = (
        f"# CONFIG_{key} is not set\n" if value == "n" else f"CONFIG_{key}={value}\n" for key, value in values.items()
    )
    return HEADER.format(release="6.12.1") + "".join(lines)


@pytest.mark.parametrize(
    "side", [layout(), guest(), guest(symbols(MTRR="y"), cmdline="ro")], ids=["layout", "guest", "files"]
)
def test_a_side_against_itself(side: Data) -> None:
    found = compare_inputs(side, side)
    assert found["is_same"] is True
    assert (found["schema"], found["remarks"], found["facts"]) == ("patreview.difference/1", [], [])


# Layouts


def test_entries_and_bytes() -> None:
    found = compare_inputs(layout(), layout(LINUX))
    changed = [(row["name"], row["before"], row["after"]) for row in found["layout"]["entries"] if row["changed"]]
    assert changed == [("PA1", "WT", "WC"), ("PA4", "WC", "WB"), ("PA6", "UC", "UC-"), ("PA7", "UC", "WT")]
    assert (found["is_same"], found["layout"]["changed"]) == (False, 4)
    octets = found["layout"]["bytes"]
    assert "0x" + "".join(octet["before"] for octet in octets) == STOCK
    assert "0x" + "".join(octet["after"] for octet in octets) == LINUX
    assert [octet["index"] for octet in octets if octet["changed"]] == [7, 6, 4, 1]


def test_platform_and_source_of_a_layout() -> None:
    source = {"name": "x.patch", "assertion": "kept", "lines": {"assertion": 3}}
    after = layout(platform="xen-4.18") | {"layout": read_layout_text(STOCK) | {"source": source}}
    found = compare_inputs(layout(platform="xen-4.17"), after)
    assert [(row["key"], row["change"], row["before"], row["after"]) for row in found["facts"]] == [
        ("platform", "changed", "xen-4.17", "xen-4.18"),
        ("assertion", "added", None, "kept"),
    ]


def test_a_layout_and_a_guest_have_nothing_in_common() -> None:
    for before, after in ((layout(), guest()), (guest(), layout())):
        found = compare_inputs(before, after)
        (remark,) = found["remarks"]
        assert remark["code"] == "kind"
        assert remark["message"].endswith("their inputs have nothing in common")
        assert {key: found[key] for key in SAME} == SAME
        assert found["is_same"] is False


# Facts


def test_facts() -> None:
    found = compare_inputs(guest(release="6.12"), guest(release="5.15", role="domU", devices=True, name="b"))
    assert [(row["key"], row["change"], row["before"], row["after"]) for row in found["facts"]] == [
        ("name", "changed", "a", "b"),
        ("release", "changed", "6.12", "5.15"),
        ("role", "changed", "dom0", "domU"),
        ("devices", "added", None, True),
    ]
    back = compare_inputs(guest(devices=True), guest())
    assert [(row["key"], row["change"], row["before"]) for row in back["facts"]] == [("devices", "removed", True)]


def test_a_value_that_disagrees_is_part_of_a_fact() -> None:
    plain, torn = guest(release="6.12"), guest(release="6.12")
    torn["guest"]["facts"]["release"]["also"] = [{"value": "5.15", "origin": {}}]
    (row,) = compare_inputs(plain, torn)["facts"]
    assert (row["before"], row["after"], row["also_before"], row["also_after"]) == ("6.12", "6.12", [], ["5.15"])


def test_lists_say_what_came_and_went() -> None:
    found = compare_inputs(guest(modules=["i915", "ext4"]), guest(modules=["ext4", "amdgpu"], drivers=["efifb"]))
    rows = {row["key"]: (row["change"], row["added"], row["removed"], row["before"]) for row in found["facts"]}
    assert rows == {"drivers": ("added", ["efifb"], [], None), "modules": ("changed", ["amdgpu"], ["i915"], None)}
    assert compare_inputs(guest(modules=["a", "b"]), guest(modules=["b", "a"]))["is_same"] is True
    many = compare_inputs(guest(), guest(modules=[f"m{n}" for n in range(ITEMS_LIMIT + 5)]))["facts"][0]
    assert (len(many["added"]), many["left_out"]) == (ITEMS_LIMIT, 5)


# Command lines


@pytest.mark.parametrize(
    ("before", "after", "texts"),
    [
        ("ro quiet", "ro quiet xen.nopat=1", ["+xen.nopat=1"]),
        ("ro nopat quiet", "ro quiet", ["-nopat"]),
        ("console=hvc0 ro", "console=tty0 ro", [" console=hvc0 -> console=tty0"]),
        ("console=a console=b", "console=b console=c", [" console=a -> console=c"]),
        ("a-b=1", "a_b=2", [" a-b=1 -> a_b=2"]),
        ("b a x=1", "c x=2 d", ["+c", " x=1 -> x=2", "+d", "-b", "-a"]),
        ('dyndbg="file a +p"', "ro", ["+ro", '-dyndbg="file a +p"']),
        ('"a b=c" ro', "ro", ['-"a b=c"']),
        ('"a b" ro', "ro", ['-"a b"']),
        ("single", "-- single", ["+single", "-single"]),
        (None, "ro", ["+ro"]),
        ("ro", None, ["-ro"]),
        ("ro a ro", "ro a", ["-ro"]),
    ],
)
def test_options(before: str | None, after: str | None, texts: list[str]) -> None:
    found = compare_inputs(guest(cmdline=before), guest(cmdline=after))
    assert [row["text"] for row in found["cmdline"]["options"]] == texts
    assert (found["is_same"], found["facts"]) == (False, [])


def test_options_of_init_are_marked() -> None:
    options = compare_inputs(guest(cmdline="ro"), guest(cmdline="ro -- nopat --"))["cmdline"]["options"]
    assert [(row["text"], row["of_init"]) for row in options] == [("+nopat", True), ("+--", True)]


def test_another_order_of_options_is_a_change() -> None:
    found = compare_inputs(guest(cmdline="nopat=0 nopat=1"), guest(cmdline="nopat=1 nopat=0"))
    assert (found["cmdline"]["options"], found["cmdline"]["is_reordered"], found["is_same"]) == ([], True, False)


def test_options_are_bounded() -> None:
    line = " ".join(f"o{n}" for n in range(ITEMS_LIMIT + 3))
    cmdline = compare_inputs(guest(), guest(cmdline=line))["cmdline"]
    assert (len(cmdline["options"]), cmdline["left_out"]) == (ITEMS_LIMIT, 3)


# Configurations


def test_symbols_as_diffconfig_prints_them() -> None:
    before = symbols(X86_PAT="y", MTRR="n", DRM_I915="m", AUFS="m", ZSWAP="y", HZ="250")
    after = symbols(X86_PAT="n", MTRR="y", DRM_AMDGPU="m", BTRFS="y", ZSWAP="y", HZ="1000")
    config = compare_inputs(guest(before), guest(after))["config"]
    assert [(row["text"], row["matters"]) for row in config["symbols"]] == [
        ("-DRM_I915 m", True),
        (" MTRR n -> y", True),
        (" X86_PAT y -> n", True),
        ("+DRM_AMDGPU m", True),
        ("-AUFS m", False),
        (" HZ 250 -> 1000", False),
        ("+BTRFS y", False),
    ]
    assert config["counts"] == {"removed": 2, "changed": 3, "added": 2}
    assert (config["matters"], config["is_whole"], config["left_out"]) == (4, True, 0)


def test_a_packed_config_is_read() -> None:
    packed = gzip.compress(symbols(MTRR="y", HZ="100").encode())
    config = compare_inputs(guest(packed), guest(symbols(MTRR="y", HZ="250")))["config"]
    assert [row["text"] for row in config["symbols"]] == [" HZ 100 -> 250"]


def test_symbols_are_bounded_and_those_that_matter_stay() -> None:
    many = {f"A{n}": "y" for n in range(SYMBOLS_LIMIT + 7)}
    config = compare_inputs(guest(symbols(MTRR="y")), guest(symbols(MTRR="n", **many)))["config"]
    assert (config["symbols"][0]["text"], len(config["symbols"]), config["left_out"]) == (
        " MTRR y -> n",
        SYMBOLS_LIMIT,
        8,
    )
    assert config["counts"]["added"] == SYMBOLS_LIMIT + 7


def test_without_the_text_only_what_matters_is_compared() -> None:
    before, after = guest(symbols(MTRR="y", HZ="100"), has_file=False), guest(symbols(MTRR="n", HZ="250"))
    found = compare_inputs(before, after)
    assert [row["text"] for row in found["config"]["symbols"]] == [" MTRR y -> n"]
    assert found["config"]["is_whole"] is False
    message = "of before only the symbols are at hand that matter to the engine"
    assert found["remarks"] == [{"code": "config", "message": message}]


def test_a_config_that_came_or_went() -> None:
    found = compare_inputs(guest(), guest(symbols(MTRR="y", HZ="100")))
    assert [row["text"] for row in found["config"]["symbols"]] == ["+MTRR y"]
    assert found["remarks"] == [{"code": "config", "message": "before has no .config"}]
    assert compare_inputs(guest(symbols(MTRR="y")), guest())["remarks"][0]["message"] == "after has no .config"


def test_a_config_that_is_not_read_any_more_is_said() -> None:
    before, after = guest(symbols(MTRR="y")), guest(symbols(MTRR="n"))
    before["files"][0]["body"] = b"\x1f\x8bnothing"
    found = compare_inputs(before, after)
    assert found["remarks"][0]["message"].startswith("the .config of before is not read: c: ")
    assert [row["text"] for row in found["config"]["symbols"]] == [" MTRR y -> n"]


def test_a_value_without_marks_that_no_page_prints() -> None:
    config = compare_inputs(guest(symbols(A='"x"')), guest(symbols(A=f'"\x85{"y" * 300}"')))["config"]
    (row,) = config["symbols"]
    assert row["after"].startswith('"\ufffdyyy')
    assert len(row["after"]) == 200


@pytest.mark.parametrize(
    ("lines", "values"),
    [
        ("CONFIG_HZ=1\nCONFIG_HZ=2\n", {"CONFIG_HZ": "2"}),
        ("CONFIG_HZ=1\n# CONFIG_HZ is not set\n", {"CONFIG_HZ": "n"}),
        ("CONFIG_A=n\r\nCONFIG_B=\nCONFIG_C\n# CONFIG_D is not set\r\n",
         {"CONFIG_A": "n", "CONFIG_B": "", "CONFIG_D": "n"}),
        ("CONFIG_HZ=1\nCONFIG_HZ\nCONFIG_MTRR=maybe\n# a comment\n", {"CONFIG_HZ": "1"}),
        ("CONFIG_HZ=1\nCONFIG_MTRR=yes\n# CONFIG_X86_PAT is not set here\nCONFIG_a-b=1\n",
         {"CONFIG_HZ": "1", "CONFIG_MTRR": "y", "CONFIG_X86_PAT": "n"}),
    ],
)  # fmt: skip
def test_every_symbol_has_the_value_that_kconfig_gives_it(lines: str, values: dict[str, str]) -> None:
    assert read_symbols(lines, source="c") == values


# Files and notes


def test_files_and_notes() -> None:
    image = {"role": "image", "name": "bzImage", "size": 3, "sha256": "1" * 64}
    before = guest() | {"files": [image], "note": "first"}
    after = guest() | {"files": [image | {"sha256": "2" * 64}, image | {"role": "dmesg"}]}
    found = compare_inputs(before, after)
    assert [(row["role"], row["change"]) for row in found["files"]] == [("dmesg", "added"), ("image", "changed")]
    assert found["note"] == {"before": "first", "after": ""}
    assert [row["change"] for row in compare_inputs(before, guest())["files"]] == ["removed"]
    assert compare_inputs(before, before | {"files": [image | {"name": "other"}]})["is_same"] is True
