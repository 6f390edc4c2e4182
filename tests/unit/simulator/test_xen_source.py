"""Xen's source: the PAT of headers, and of patches before and after."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import InvalidInput
from simulator.inputs.reading import Reading
from simulator.inputs.xen_source import is_xen_source, read_xen_source
from simulator.pat import LINUX_LAYOUT, XEN_LAYOUT

XEN, LINUX = XEN_LAYOUT.hex, LINUX_LAYOUT.hex
XEN_TYPES = ("WB", "WT", "UCM", "UC", "WC", "WP", "UC", "UC")
LINUX_TYPES = ("WB", "WC", "UCM", "UC", "WB", "WP", "UCM", "WT")
OWN = {"_PAGE_WB": 0, "_PAGE_WT": 1, "_PAGE_UCM": 2, "_PAGE_UC": 3, "_PAGE_WC": 4, "_PAGE_WP": 5}
LINUX_FLAGS = {"_PAGE_WB": 0, "_PAGE_WT": 7, "_PAGE_UCM": 2, "_PAGE_UC": 3, "_PAGE_WC": 1, "_PAGE_WP": 5}
BITS = {1: "_PAGE_PWT", 2: "_PAGE_PCD", 4: "_PAGE_PAT"}
MM_C = "xen/arch/x86/mm.c"
PAGE_H = "xen/arch/x86/include/asm/page.h"
PROCESSOR_H = "xen/arch/x86/include/asm/processor.h"


def value_of(types: tuple[str, ...], entry: str = "(_AC(X86_MT_{}, ULL) << {:#04x})") -> list[str]:
    """The definition of the value by entries, as Xen 4.18 and later write it."""
    lines = [entry.format(word, 8 * index) for index, word in enumerate(types)]
    last = len(lines) - 1
    return [
        ("#define XEN_MSR_PAT (" if index == 0 else " " * 21) + line + (")" if index == last else " | \\")
        for index, line in enumerate(lines)
    ]


def flags_of(indices: dict[str, int]) -> list[str]:
    """Definitions of page flags."""
    bits = {name: " | ".join(BITS[bit] for bit in BITS if index & bit) or "0" for name, index in indices.items()}
    return [f"#define {name:<9} ({bits[name]})" for name in indices]


def hunk(before: list[str], after: list[str], *, lead: tuple[str, ...] = ("",), tail: tuple[str, ...] = ("",)) -> str:
    """A hunk that replaces some lines by others, between unchanged ones."""
    kept = [line for line in before if line in after]
    lines = [" " + line for line in lead]
    old, new = list(before), list(after)
    for line in kept:
        lines += ["-" + one for one in old[: old.index(line)]] + ["+" + one for one in new[: new.index(line)]]
        lines.append(" " + line)
        old, new = old[old.index(line) + 1 :], new[new.index(line) + 1 :]
    lines += ["-" + one for one in old] + ["+" + one for one in new] + [" " + line for line in tail]
    minus, plus = (sum(line[0] != mark for line in lines) for mark in "+-")
    return "\n".join([f"@@ -60,{minus} +60,{plus} @@", *lines])


def of_file(path: str, *hunks: str) -> str:
    """The hunks of one file, with their heads."""
    return "\n".join(
        [f"diff --git a/{path} b/{path}", "index 1111..2222 100644", f"--- a/{path}", f"+++ b/{path}", *hunks]
    )


def patch(*files: str) -> str:
    """A patch as git format-patch writes it."""
    return "\n".join(
        ["From 0123 Mon Sep 17 00:00:00 2001", "Subject: [PATCH] x86: another PAT", "---", *files, "-- ", "2.40.0", ""]
    )


VALUE_HUNK = hunk(value_of(XEN_TYPES), value_of(LINUX_TYPES))
FLAGS_HUNK = hunk(flags_of(OWN), flags_of(LINUX_FLAGS))
ASSERTION = "    BUILD_BUG_ON(XEN_MSR_PAT != 0x050100070406ULL);"
DROP_HUNK = hunk(["    /*", "     * A reason.", "     */", ASSERTION], [], lead=("{",), tail=("}",))
WHOLE = patch(of_file(PAGE_H, FLAGS_HUNK), of_file(PROCESSOR_H, VALUE_HUNK), of_file(MM_C, DROP_HUNK))


def read(text: str) -> Reading:
    """The reading of a text."""
    return read_xen_source(text, source="pat.patch")


def facts(text: str) -> dict[str, object]:
    """The last value of every key."""
    return {fact.key: fact.value for fact in read(text).facts}


def notes(text: str) -> list[tuple[object, object]]:
    """The notes, each with its line."""
    return [(note["message"], note["line"]) for note in read(text).notes]


@pytest.mark.parametrize(
    "text",
    [
        "u64 host_pat = 0x050100070406;",
        "u64 host_pat = 0x050100070406ULL; /* as fedeb68b58 has it */",
        "static uint64_t __read_mostly host_pat =\n    0x050100070406UL;",
        "#define XEN_MSR_PAT 0x050100070406ULL",
        "#define XEN_MSR_PAT 0x050100070406ul // the ABI",
        "# define XEN_MSR_PAT _AC(0x050100070406, ULL)",
        "# define XEN_MSR_PAT \\\n 0x050100070406ULL",
        "#define XEN_MSR_PAT UINT64_C(0x0000050100070406)",
        f"#define XEN_MSR_PAT ((uint64_t)({XEN_LAYOUT.msr}))",
        f"#define XEN_MSR_PAT 0{XEN_LAYOUT.msr:o}ull",
        "#define XEN_MSR_PAT /* of\n several lines */ 0x050100070406 /* not: \\\n 0x1 */",
        "#define OWN_PAT 0x050100070406ULL\n#define XEN_MSR_PAT OWN_PAT",
        '#define NAME "/* no comment"\n#define XEN_MSR_PAT 0x050100070406ULL\n#define OTHER \'"\'',
        "\n".join(value_of(XEN_TYPES)),
        "\n".join(value_of(XEN_TYPES)).replace("\\", "\\ "),
        "\n".join(value_of(XEN_TYPES, "X86_MT_{} << {:#04x}")).replace("0x38)", "0x38 | \\\n 0)"),
        "\n".join(value_of(XEN_TYPES, "((u64)MSR_PAT_{} << {})")),
        "\n".join(value_of(XEN_TYPES, "(X86_MT_{}) << {:#04x}")),
        "#define XEN_MSR_PAT ((u64)PAT_TYPE_WRBACK | PAT_TYPE_WRTHROUGH << 8 | PAT_TYPE_UC_MINUS << 16 | \\\n"
        " (unsigned long)PAT_TYPE_UNCACHABLE << 24 | (u64)PAT_TYPE_WRCOMB << 32 | \\\n"
        " (((u64)PAT_TYPE_WRPROT << 32) << 8) | (u64)PAT_TYPE_UNCACHABLE << 48 | (u64)PAT_TYPE_UNCACHABLE << 56)",
        "#if 0\n#define XEN_MSR_PAT 0x6\n#endif\n#define XEN_MSR_PAT 0x050100070406",
        "#if 1\n#define XEN_MSR_PAT 0x050100070406\n#elif A\n#define XEN_MSR_PAT 6\n#else\n#define XEN_MSR_PAT 1\n",
        "#ifndef A_H\n#define A_H\n#define XEN_MSR_PAT 0x050100070406\n#endif",
        "\ufeff#define\tXEN_MSR_PAT\t0x050100070406",
        "#define\u00a0XEN_MSR_PAT\u00a00x050100070406",
    ],
)
def test_values_of_headers(text: str) -> None:
    assert read(text).said("layout") == [XEN]
    assert is_xen_source(text)


def test_a_name_on_the_next_line() -> None:
    assert read("#define \\\n XEN_MSR_PAT 0x6\n").said("layout") == ["0x0000000000000006"]


def test_headers_in_a_row() -> None:
    text = "\n".join(["#ifndef P_H", *value_of(LINUX_TYPES), "#endif", "#define X86_CR4 1", *flags_of(OWN), ASSERTION])
    wrong = [
        {"flag": "_PAGE_WT", "index": 1, "named": "WT", "selects": "WC"},
        {"flag": "_PAGE_WC", "index": 4, "named": "WC", "selects": "WB"},
    ]
    assert facts(text) == {
        "files": ["processor.h", "page.h"],
        "layout": LINUX,
        "page_flags": OWN,
        "flags_agree": {"agree": False, "wrong": wrong},
        "page_h": "unchanged",
        "assertion": "kept",
        "assertion_value": XEN,
    }
    assert notes(text) == [(f"the assertion stops the build: it wants {XEN}", 18)]
    lines = {fact.key: fact.line for fact in read(text).facts}
    assert lines == dict.fromkeys(("files", "page_h")) | {
        "layout": 2,
        "page_flags": 12,
        "flags_agree": 2,
        "assertion": 18,
        "assertion_value": 18,
    }


def test_page_h_alone() -> None:
    assert facts("\n".join(flags_of(LINUX_FLAGS))) == {
        "files": ["page.h"],
        "page_flags": LINUX_FLAGS,
        "page_h": "changed",
        "assertion": "unknown",
    }


def test_processor_h_alone_takes_the_flags_to_be_upstreams() -> None:
    text = "\n".join(value_of(XEN_TYPES))
    assert facts(text)["flags_agree"] == {"agree": True, "wrong": []}
    assert facts(text)["page_h"] == "absent"
    assert notes(text) == [("page.h is not part of the text; its flags are taken to be upstream's", None)]


def test_the_variable_of_old_trees_has_no_flags_beside_it() -> None:
    text = "u64 host_pat = 0x050100070406;"
    expected = {"files": ["setup.c or cpu/common.c"], "layout": XEN, "page_h": "absent", "assertion": "unknown"}
    assert facts(text) == expected
    assert notes(text) == []


@pytest.mark.parametrize(
    ("flag", "index"),
    [
        ("(0)", 0),
        ("_PAGE_PWT", 1),
        ("0x10", 2),
        ("(_PAGE_PCD|_PAGE_PWT)", 3),
        ("(0x08 | 0x10 | 0x080U)", 7),
        ("((_PAGE_PAT) | (0))", 4),
        ("_AC(0x080,U)", 4),
        ("BIT_3 | _PAGE_PAT\n#define BIT_3 (1 << 3)", 5),
    ],
)
def test_page_flags(flag: str, index: int) -> None:
    assert facts(f"#define _PAGE_WC {flag}")["page_flags"] == {"_PAGE_WC": index}


def test_a_whole_patch() -> None:
    assert facts(WHOLE) == {
        "files": [PAGE_H, PROCESSOR_H, MM_C],
        "layout_before": XEN,
        "page_flags_before": OWN,
        "layout": LINUX,
        "page_flags": LINUX_FLAGS,
        "flags_agree": {"agree": True, "wrong": []},
        "page_h": "changed",
        "assertion": "dropped",
        "public_header": "unchanged",
        "mmio_test": "unchanged",
    }
    lines = WHOLE.split("\n")
    at = {fact.key: lines[fact.line - 1] for fact in read(WHOLE).facts if fact.line}
    assert at["layout"] == at["layout_before"] == at["flags_agree"] == " " + value_of(XEN_TYPES)[0]
    assert at["page_flags"] == " #define _PAGE_WB  (0)"
    assert at["page_h"] == "-#define _PAGE_WT  (_PAGE_PWT)"
    assert at["assertion"] == "-" + ASSERTION
    assert notes(WHOLE) == []
    assert is_xen_source(WHOLE)


def test_a_patch_that_leaves_page_h_behind() -> None:
    said = facts(patch(of_file("xen/include/asm-x86/processor.h", VALUE_HUNK)))
    assert said["page_h"] == "unchanged"
    assert [one["flag"] for one in said["flags_agree"]["wrong"]] == ["_PAGE_WT", "_PAGE_WC"]  # type: ignore[index]
    assert "page_flags" not in said


def test_a_flag_that_a_patch_takes_away_is_not_asked_to_agree() -> None:
    flags = {name: index for name, index in LINUX_FLAGS.items() if name != "_PAGE_WT"}
    said = facts(patch(of_file(PAGE_H, hunk(flags_of(OWN), flags_of(flags))), of_file(PROCESSOR_H, VALUE_HUNK)))
    assert said["flags_agree"] == {"agree": True, "wrong": []}


OLD_FORM, OLD_HUNK = ["#define XEN_MSR_PAT 0x050100070406ULL"], "u64 host_pat = {};"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (OLD_FORM, value_of(LINUX_TYPES)),
        (OLD_FORM, ["#define XEN_MSR_PAT _AC(0x0407050600070106, ULL)"]),
        ([OLD_HUNK.format("0x050100070406")], [OLD_HUNK.format("0x0407050600070106ULL")]),
        (value_of(XEN_TYPES), ["#define XEN_MSR_PAT 0x0407050600070106ULL"]),
    ],
)
def test_forms_of_the_value_in_patches(before: list[str], after: list[str]) -> None:
    text = patch(of_file(PROCESSOR_H, hunk(before, after, lead=(" * a comment that began before", " */"))))
    assert (facts(text)["layout_before"], facts(text)["layout"]) == (XEN, LINUX)
    assert is_xen_source(text)


def test_a_patch_that_adds_or_takes_away_the_value() -> None:
    added = facts(patch(of_file(PROCESSOR_H, hunk([], value_of(XEN_TYPES)))))
    assert added["layout"] == XEN
    assert "layout_before" not in added
    taken = patch(of_file(PROCESSOR_H, hunk(value_of(XEN_TYPES), [])))
    assert facts(taken)["layout_before"] == XEN
    assert "layout" not in facts(taken)
    assert notes(taken) == [("the patch takes the value away and shows none", 10)]


def test_a_patch_whose_old_value_is_wrong() -> None:
    text = patch(of_file(PROCESSOR_H, hunk(["#define XEN_MSR_PAT 0x3"], OLD_FORM)))
    assert facts(text)["layout"] == XEN
    message = "what was before the patch cannot be told: PA0: encoding 0x03 is reserved; "
    assert notes(text)[0] == (message + "use 00 UC, 01 WC, 04 WT, 05 WP, 06 WB or 07 UC-", 10)


NAMED = "    BUILD_BUG_ON(XEN_MSR_PAT != {});"


@pytest.mark.parametrize(
    ("before", "after", "lead", "expected"),
    [
        ([ASSERTION], [], (), ("dropped", None)),
        ([], [], (ASSERTION,), ("kept", XEN)),
        ([ASSERTION], [NAMED.format(f"{LINUX}ULL")], (), ("changed", LINUX)),
        ([], [NAMED.format(f'{LINUX}ULL && \\\n+                 "a reason"')], (), ("changed", LINUX)),
        ([ASSERTION], [f'_Static_assert(XEN_MSR_PAT == {LINUX}ULL, "why");'], (), ("changed", LINUX)),
        ([ASSERTION], [NAMED.format("0x02")], (), ("changed", None)),
        ([ASSERTION], [NAMED.format("linux_pat()")], (), ("changed", None)),
        (
            [ASSERTION],
            ["    BUILD_BUG_ON(XEN_MSR_PAT != OWN);", "#define OWN 0x06"],
            (),
            ("changed", "0x0000000000000006"),
        ),
        ([ASSERTION], ["#if 0", ASSERTION, "#endif"], (), ("dropped", None)),
        ([], [], (), ("unknown", None)),
    ],
)
def test_the_assertion(before: list[str], after: list[str], lead: tuple[str, ...], expected: object) -> None:
    text = patch(of_file(PROCESSOR_H, VALUE_HUNK), of_file(MM_C, hunk(before, after, lead=(*lead, "{"), tail=("}",))))
    said = facts(text)
    assert (said["assertion"], said.get("assertion_value")) == expected


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("0x02", "the value that the assertion names is no layout; it is left out"),
        ("linux_pat()", "the value that the assertion names is no layout; it is left out"),
        ("0x050100070406ULL", f"the assertion stops the build: it wants {XEN}"),
    ],
)
def test_notes_on_the_assertion(named: str, message: str) -> None:
    text = patch(of_file(PROCESSOR_H, VALUE_HUNK), of_file(MM_C, hunk([], [NAMED.format(named)])))
    assert message in [note for note, _ in notes(text)]


def test_a_patch_of_the_public_header() -> None:
    text = patch(of_file("xen/include/public/xen.h", hunk([" *  PAT4  WC"], [" *  PAT4  WB"])))
    said = facts(text)
    assert (said["public_header"], said["page_h"], said["mmio_test"]) == ("changed", "unchanged", "unchanged")
    assert is_xen_source(text)


OLD_TEST, NEW_TEST = "        switch ( l1f & PAGE_CACHE_ATTRS )", "        switch ( type_of(l1f & PAGE_CACHE_ATTRS) )"
OTHER = '        printk("%x", l1f);'


@pytest.mark.parametrize(
    ("context", "lead", "change", "expected"),
    [
        ("get_page_from_l1e(", (), (OLD_TEST, NEW_TEST), "changed"),
        ("int get_page_from_l1e (struct domain *d)", ("could_not_pin:",), (OLD_TEST, NEW_TEST), "changed"),
        ("", ("int", "get_page_from_l1e(", "    l1_pgentry_t l1e)", "{"), (OLD_TEST, NEW_TEST), "changed"),
        ("get_page_from_l1e(", (), (OTHER, OTHER.replace("%x", "%#x")), "unchanged"),
        ("get_page_from_l1e(", ("}", "static int other(void)", "{"), (OLD_TEST, NEW_TEST), "unchanged"),
        ("shadow_get_page_from_l1e(", (), (OLD_TEST, NEW_TEST), "unchanged"),
        ("put_page(", ("extern int get_page_from_l1e(l1_pgentry_t);",), (OLD_TEST, NEW_TEST), "unchanged"),
    ],
)
def test_the_mmio_test(context: str, lead: tuple[str, ...], change: tuple[str, str], expected: str) -> None:
    changed = hunk([change[0]], [change[1]], lead=("", *lead))
    head, _, rest = changed.partition("\n")
    text = patch(of_file(MM_C, f"{head} {context}\n{rest}"), of_file(PROCESSOR_H, VALUE_HUNK))
    assert facts(text)["mmio_test"] == expected
    assert is_xen_source(text)


def conditional_patch() -> str:
    """A patch that puts the other layout under a configuration option."""
    return patch(
        of_file(
            PAGE_H,
            hunk([], ["#ifndef CONFIG_LINUX_PAT"], tail=tuple(flags_of(OWN)[:2])),
            hunk([], ["#else", *flags_of(LINUX_FLAGS), "#endif"], lead=tuple(flags_of(OWN)[3:])),
        ),
        of_file(
            PROCESSOR_H,
            hunk([], ["#ifdef CONFIG_LINUX_PAT", *value_of(LINUX_TYPES), "#else"], tail=("/*", " * Host")),
            hunk([], ["#endif"], lead=tuple(value_of(XEN_TYPES)[-3:])),
        ),
        of_file(
            MM_C,
            hunk([], ["#ifndef CONFIG_LINUX_PAT"], lead=("{",), tail=("    /*", "     * Why")),
            hunk([], ["#endif"], lead=("     */", ASSERTION)),
        ),
    )


def test_a_patch_with_a_configuration_option() -> None:
    text = conditional_patch()
    said = read(text)
    assert said.said("layout") == [LINUX]
    assert said.said("page_flags") == [LINUX_FLAGS]
    assert said.said("flags_agree") == [{"agree": True, "wrong": []}]
    assert said.said("assertion") == ["dropped"]
    assert [note for note, _ in notes(text)] == [
        "XEN_MSR_PAT has this value only where CONFIG_LINUX_PAT is set",
        f"where CONFIG_LINUX_PAT: {LINUX}",
        "where CONFIG_LINUX_PAT is not met: no value of the PAT is shown",
        "the assertion holds only where another value is defined",
    ]


def test_values_that_conditions_keep_apart_are_all_said() -> None:
    text = "\n".join(
        [
            "#if defined(CONFIG_LINUX_PAT) /* as Qubes */",
            *value_of(LINUX_TYPES),
            *flags_of(LINUX_FLAGS),
            "#else",
            *value_of(XEN_TYPES),
            *flags_of(OWN),
            "#endif",
            "#if !defined(CONFIG_LINUX_PAT)",
            ASSERTION,
            "#endif",
        ]
    )
    said = read(text)
    assert said.said("layout") == [LINUX, XEN]
    assert said.said("page_flags") == [LINUX_FLAGS, OWN]
    assert said.said("flags_agree") == [{"agree": True, "wrong": []}] * 2
    assert said.said("page_h") == ["changed"]
    assert said.said("assertion_value") == [XEN]


def test_variants_that_come_to_the_same_are_said_once() -> None:
    text = "#ifdef A\n#define _PAGE_WB 0\n#else\n#define _PAGE_WB (0)\n#endif\n#define XEN_MSR_PAT (X86_MT_WB << 0)"
    assert read(text).said("layout") == ["0x0000000000000006"]
    message = "XEN_MSR_PAT says nothing of PA1, PA2, PA3, PA4, PA5, PA6, PA7: C makes that 0, UC"
    assert notes(text).count((message, 6)) == 1


def test_two_values_are_both_said() -> None:
    text = "#define XEN_MSR_PAT 0x050100070406\n#define XEN_MSR_PAT 0x0407050600070106ULL\n"
    assert read(text).said("layout") == [XEN, LINUX]
    assert ("the value is defined several times and differently, on lines 1, 2", 2) in notes(text)


def entries(*lines: str) -> str:
    """A definition of the value by some entries, a line each."""
    return "#define XEN_MSR_PAT (" + " | \\\n".join(lines) + ")"


WIDE = "_AC(X86_MT_{}, ULL) << {}"


@pytest.mark.parametrize(
    ("text", "layout", "note"),
    [
        (
            entries(WIDE.format("WB", 0), WIDE.format("WC", 8)),
            "0x0000000000000106",
            ("XEN_MSR_PAT says nothing of PA2, PA3, PA4, PA5, PA6, PA7: C makes that 0, UC", 1),
        ),
        (
            entries(*(WIDE.format(word, 8 * index) for index, word in enumerate(XEN_TYPES)), WIDE.format("WC", 8)),
            "0x0000050100070506",
            ("PA1 is defined 2 times: C makes it 0x04 | 0x01", 9),
        ),
        (
            entries("X86_MT_WB", "X86_MT_WC << 0x20"),
            "0x0000000100000006",
            ("a shift by 0x20 of what may be an int, which C leaves undefined; use _AC(..., ULL)", 2),
        ),
        (
            entries("X86_MT_WB", "_AC(X86_MT_WC, ULL) << 0x0a"),
            "0x0000000000000406",
            ("a shift by 0xa begins within an entry: it is no multiple of 8", 2),
        ),
    ],
)
def test_what_c_makes_of_odd_definitions(text: str, layout: str, note: tuple[str, int]) -> None:
    assert read(text).said("layout") == [layout]
    assert note in notes(text)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("#define _PAGE_WC (1 << 12)", ("_PAGE_WC is left out: 0x1000 has bits that choose no memory type", 2)),
        ("#define _PAGE_WC PAT(4)", ("_PAGE_WC is left out: `PAT` is no constant that is known", 2)),
        ("#define _PAGE_WC _PAGE_WC", ("_PAGE_WC is left out: `_PAGE_WC` is defined by itself", 2)),
        (
            "#define _PAGE_WC 0x08\n#define _PAGE_WC 0x80",
            ("_PAGE_WC is defined again (first on line 2); this one counts", 3),
        ),
        ("\u00a0", ("no-break spaces are read as blanks", 2)),
        ("\r", ("lines end in CR LF; the CRs are left out", 1)),
    ],
)
def test_notes_on_headers(text: str, note: tuple[str, int]) -> None:
    assert note in notes(f"#define XEN_MSR_PAT 0x6\n{text}\n")


def test_flags_that_are_left_out() -> None:
    assert "page_flags" not in facts("#define XEN_MSR_PAT 0x6\n#define _PAGE_WC 0x1000")


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("", "defines neither XEN_MSR_PAT, host_pat nor page flags as _PAGE_WC; send Xen's processor.h and page.h", 1),
        ("#define XEN_MSR_PAT(x) (x)", "defines neither XEN_MSR_PAT", 1),
        ("#if 0\n#define XEN_MSR_PAT 0x6\n#endif", "defines neither XEN_MSR_PAT", 1),
        ("#define XEN_MSR_PAT 0x6", "", None),
        ("#define XEN_MSR_PAT 0x2", "PA0: encoding 0x02 is reserved; use 00 UC", 1),
        ("#define XEN_MSR_PAT \\\n0x0206", "PA1: encoding 0x02 is reserved; use 00 UC", 1),
        (entries("X86_MT_WB", "X86_MT_RSVD_2 << 8"), "PA1: encoding 0x02 is reserved; use 00 UC", 2),
        (entries("X86_MT_WB", "X86_MT_WC << 8", "X86_MT_RSVD_2 << 8"), "PA1: encoding 0x03 is reserved", 3),
        ("#define XEN_MSR_PAT \\\n0x00407050600070106", "", None),
        (
            "#define XEN_MSR_PAT \\\n0x10407050600070106",
            "the value of XEN_MSR_PAT cannot be computed: a number of 17 digits does not fit in 64 bits",
            2,
        ),
        ("#define XEN_MSR_PAT 1234567890123456789", "a number of 19 digits does not fit in 64 bits", 1),
        (entries("X86_MT_WB", "X86_MT_WC << 0x40"), "a shift by 0x40 is past 64 bits", 2),
        ("#define XEN_MSR_PAT (6", "`\\)` is missing", 1),
        ("#define XEN_MSR_PAT 6)", "`\\)` is not understood in a constant", 1),
        ("#define XEN_MSR_PAT 6 |", "an operand is missing", 1),
        ("#define XEN_MSR_PAT", "an operand is missing", 1),
        ("u64 host_pat = \n;", "an operand is missing", 1),
        ("#define XEN_MSR_PAT 6 + 1", "`\\+` is not understood in a constant", 1),
        ("#define XEN_MSR_PAT ~6", "`~` is not understood in a constant", 1),
        ("#define XEN_MSR_PAT &lt;6", "`&` is not understood in a constant", 1),
        ("#define XEN_MSR_PAT 6x", "`6x` is no number", 1),
        ("#define XEN_MSR_PAT 08", "`08` is no number", 1),
        ("#define XEN_MSR_PAT \u0666", "is not understood in a constant", 1),
        ("#define XEN_MSR_PAT LINUX_PAT", "`LINUX_PAT` is no constant that is known", 1),
        ("#define XEN_MSR_PAT _AC(6 ULL)", "`,` is missing", 1),
        ("#define A A\n#define XEN_MSR_PAT A", "`A` is defined by itself", 2),
        (
            "\n".join(f"#define A{n} A{n + 1}" for n in range(20)) + "\n#define XEN_MSR_PAT A0",
            "more than 16 names that stand for names",
            17,
        ),
        ("#define XEN_MSR_PAT " + "(" * 40, "more than 32 parentheses within each other", 1),
        ("#define XEN_MSR_PAT " + "(u64)" * 40, "more than 32 parentheses within each other", 1),
        ("#define XEN_MSR_PAT " + "0|" * 70, "more than 64 terms", 1),
        ("#define XEN_MSR_PAT " + "0 " * 401, "more than 400 words", 1),
        ("#define XEN_MSR_PAT 6 \\", "the definition of XEN_MSR_PAT is not shown whole; send the header itself", 1),
        ("#define XEN_MSR_PAT 6\n" * 17, "more than 16 definitions of XEN_MSR_PAT and host_pat", 17),
        ("static_assert(XEN_MSR_PAT ==\n" * 101, "more than 100 assertions on XEN_MSR_PAT", 101),
        ("#define XEN_MSR_PAT \x1b[0m", r"`\\x1b` is not understood in a constant", 1),
        ("#define XEN_MSR_PAT 6\n\0", "a NUL character", 2),
        ("#define XEN_MSR_PAT 6 " + " " * 4096, "a line of 4118 characters; at most 4096 are read", 1),
        ("\n" * 40_001, "more than 40000 lines; Xen's processor.h has some 15,000 bytes", None),
        ("#define XEN_MSR_PAT 6\n".ljust(2 << 20), "more than 1048576 bytes", None),
    ],
)
def test_headers_that_are_refused(text: str, message: str, line: int | None) -> None:
    if not message:
        assert "layout" in facts(text)
        return
    with pytest.raises(InvalidInput, match=message) as refused:
        read(text)
    assert (refused.value.found[0].line, refused.value.found[0].source) == (line, "pat.patch")


SHOWN_WHOLE = "the definition of XEN_MSR_PAT is not shown whole; send the header itself, or a diff with more context"


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        (
            patch(of_file(PROCESSOR_H, hunk(value_of(XEN_TYPES)[:4], value_of(LINUX_TYPES)[:4], tail=()))),
            SHOWN_WHOLE,
            " " + value_of(XEN_TYPES)[0],
        ),
        (
            patch(of_file(PROCESSOR_H, hunk(value_of(XEN_TYPES)[3:], value_of(LINUX_TYPES)[3:], lead=()))),
            SHOWN_WHOLE,
            "+" + value_of(LINUX_TYPES)[4],
        ),
        (
            patch(of_file(PROCESSOR_H, VALUE_HUNK)).partition("\n+                     (_AC(X86_MT_UCM")[0],
            SHOWN_WHOLE,
            " " + value_of(XEN_TYPES)[0],
        ),
        (
            patch(of_file(PROCESSOR_H, VALUE_HUNK)).replace("0x30) | \\\n+", "0x30) |\n\\\n+"),
            "the value of XEN_MSR_PAT cannot be computed: an operand is missing",
            "+" + value_of(LINUX_TYPES)[6].replace(" | \\", " |"),
        ),
        (
            patch(of_file(PROCESSOR_H, hunk(OLD_FORM, ["#define XEN_MSR_PAT 0x3"]))),
            "PA0: encoding 0x03 is reserved",
            "+#define XEN_MSR_PAT 0x3",
        ),
        (
            patch(of_file("a.c", hunk(["x"], ["y"])), of_file("b.c", hunk(["x"], ["y"]))),
            "a patch of 2 files that shows nothing of Xen's PAT: XEN_MSR_PAT, host_pat, the page flags of page.h, ",
            "diff --git a/a.c b/a.c",
        ),
    ],
)
def test_patches_that_are_refused(text: str, message: str, line: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(text)
    assert message in refused.value.found[0].message
    assert text.split("\n")[(refused.value.found[0].line or 0) - 1] == line


def test_a_definition_that_a_hunk_ends_within_is_left_out_if_the_patch_leaves_it_alone() -> None:
    text = patch(
        of_file(PROCESSOR_H, hunk([], ["#define NEW 1"], tail=tuple(value_of(XEN_TYPES)[:3]))),
        of_file(PAGE_H, FLAGS_HUNK),
    )
    assert not {"layout", "layout_before"} & set(facts(text))
    message = "the hunk ends within the definition of XEN_MSR_PAT, which it does not change"
    assert notes(text) == [(message, 11)]
    assert facts(text)["page_flags"] == LINUX_FLAGS


def quoted(text: str, marks: str) -> str:
    """A text as an answer to a mail quotes it."""
    return "\n".join((marks + line).rstrip() for line in text.split("\n"))


ENCODED = WHOLE.replace("=", "=3D").replace("_PAT", "_=\nPAT").replace("\n \n", "\n=20\n").replace("x86: ", "=C2=A0")
UNMARKED = "the diff is quoted by a mail; the quote marks are left out"
CUT = "the hunk has other lines than its head counts; it is cut off or was edited"
SURPLUS = "the hunk has more lines than its head counts; they are read"


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (quoted(WHOLE, "> "), UNMARKED),
        (quoted(WHOLE, "> > "), UNMARKED),
        (quoted(WHOLE, ">"), UNMARKED),
        (
            quoted(WHOLE, "> ").replace("\n>  #define _PAGE_UCM", "\nWhy?\n\n>  #define _PAGE_UCM"),
            "words between the lines of the quoted diff are left out",
        ),
        (WHOLE.replace("\n", "\r\n"), "lines end in CR LF; the CRs are left out"),
        (WHOLE.replace("\n ", "\n"), "lines of the diff have lost their mark; they are read as unchanged"),
        (WHOLE.replace("-60,8 +60,8", "-60,9 +60,9"), CUT),
        (WHOLE.replace("-60,8 +60,8", "-60,3 +60,3"), SURPLUS),
        (WHOLE.replace("-60,8 +60,8", "-60 +60"), SURPLUS),
        (WHOLE.replace("-60,8 +60,8", "-60,8 +60,9"), CUT),
        (WHOLE.partition("-- \n")[0].replace("-60,6 +60,2", "-60,9 +60,9"), CUT),
        (WHOLE.replace("-60,6 +60,2", "-60,9 +60,5"), CUT),
        ("Content-Transfer-Encoding: quoted-printable\n\n" + ENCODED, "quoted-printable is decoded"),
        ("content-transfer-encoding: 8bit\n" + WHOLE, ""),
        (WHOLE.replace("\n }", "\n }\n\\ No newline at end of file"), ""),
        (WHOLE.replace(" \n", "\n"), ""),
        (WHOLE.replace("diff --git", "Index:"), ""),
        (WHOLE.replace("--- a/", "--- xen.orig/").replace("+++ b/", "+++ ").replace("diff --git", "Index:"), ""),
        (WHOLE.replace("\ndiff --git", "\n--- of the patch\n+++ see above\n--- \ndiff --git"), ""),
    ],
)  # fmt: skip
def test_patches_as_mails_and_hands_leave_them(text: str, note: str) -> None:
    said = facts(text)
    expected = facts(WHOLE)
    assert {key: said[key] for key in expected} == expected
    assert any(note in str(found) for found, _ in notes(text)) == bool(note)


def test_lines_of_a_decoded_mail_are_those_of_the_mail() -> None:
    text = (
        "Content-Transfer-Encoding: quoted-printable\n\nA long=\n line\n"
        + VALUE_HUNK.replace("0x08", "0x=\n08")
        + "\nend="
    )
    lines = {fact.key: fact.line for fact in read(text).facts}
    assert lines["layout"] == 7
    assert notes(text)[1] == ("a hunk whose file is not named", 5)
    assert facts(text)["files"] == []


def test_files_that_are_new_gone_or_renamed() -> None:
    new = of_file(PROCESSOR_H, VALUE_HUNK).replace(f"--- a/{PROCESSOR_H}", "--- /dev/null")
    gone = of_file(PAGE_H, FLAGS_HUNK).replace(f"+++ b/{PAGE_H}", "+++ /dev/null")
    moved = "diff --git a/old.c b/new.c\nsimilarity index 100%\nrename from old.c\nrename to new.c"
    plain = "--- a/x.c\t2022-12-04 07:57:44\n+++ b/x.c\t2022-12-05 07:57:44\n" + hunk(["1"], ["2"])
    assert facts(patch(new, gone, moved, plain))["files"] == [PROCESSOR_H, PAGE_H, "new.c", "x.c"]


def test_only_a_hundred_files_are_listed() -> None:
    text = patch(of_file(PROCESSOR_H, VALUE_HUNK), *(of_file(f"f{n}.c", hunk(["1"], ["2"])) for n in range(120)))
    assert len(facts(text)["files"]) == 100  # type: ignore[arg-type]
    assert ("121 files; the first 100 are listed", None) in notes(text)


@pytest.mark.parametrize(
    "text",
    ["", "XEN_MSR_PAT is 0x050100070406", "CONFIG_X86_PAT=y", "x86/PAT: Configuration [0-7]: WB  WT", "host_pat == 0",
     "WB WT UC- UC WC WP UC UC", patch(of_file("a.c", hunk(["x"], ["y"]))), "#define _PAGE_RW 2", "@@ - XEN_MSR_PAT"],
)  # fmt: skip
def test_texts_that_are_not_recognised(text: str) -> None:
    assert not is_xen_source(text)


def test_conditions_nested_past_all_reason_are_followed_as_far_as_they_decide() -> None:
    deep = "\n".join(
        [*("#ifdef A" for _ in range(40)), "#else", *("#elif B" for _ in range(40)), *("#endif" for _ in range(41))]
    )
    elifs = "\n".join(["#if A", *("#elif B" for _ in range(40)), "#endif", "#else", "#elif X", "#endif"])
    assert facts(f"{deep}\n{elifs}\n#define XEN_MSR_PAT 0x6")["layout"] == "0x0000000000000006"


def test_conditions_that_a_diff_shows_the_end_of_only() -> None:
    text = "#endif\n#if defined(A) && B\n#define XEN_MSR_PAT 0x6\n#else\n#define XEN_MSR_PAT 0x7\n#endif"
    assert read(text).said("layout") == ["0x0000000000000006", "0x0000000000000007"]


#: Words of such texts, divided by `~`.
WORDS = (
    "#define XEN_MSR_PAT ~#define _PAGE_WC ~u64 host_pat = ~BUILD_BUG_ON(XEN_MSR_PAT != ~(~)~|~<<~8~0x~06~ULL~,~;~_AC(",
    "~(u64)~X86_MT_WC~\\\n~\n~\r\n~/*~*/~//~\"~'~#if~#else~#endif~#ifdef A~@@ -1,3 +1,3 @@~+~-~ ~> ~--- a/x~+++ b/x",
    "~\ndiff --git a/x b/x\n~-- \n2.4~=3D~=\n~Content-Transfer-Encoding: quoted-printable\n~\u0666~get_page_from_l1e(",
)


@settings(max_examples=200)
@given(st.one_of(st.text(), st.lists(st.sampled_from("".join(WORDS).split("~")), max_size=60).map("".join)))
def test_any_text_is_read_or_refused(text: str) -> None:
    is_xen_source(text)
    try:
        reading = read(text)
    except InvalidInput:
        return
    assert reading.facts
    assert all(fact.line is None or 1 <= fact.line <= text.count("\n") + 1 for fact in reading.facts)


@given(st.permutations(["WB", "WT", "UCM", "UC", "WC", "WP", "WB", "UC"]))
def test_a_definition_by_entries_is_the_layout_of_its_types(types: list[str]) -> None:
    encodings = {"UC": 0, "WC": 1, "WT": 4, "WP": 5, "WB": 6, "UCM": 7}
    expected = int.from_bytes(bytes(encodings[word] for word in types), "little")
    assert read("\n".join(value_of(tuple(types)))).said("layout") == [f"0x{expected:016x}"]
