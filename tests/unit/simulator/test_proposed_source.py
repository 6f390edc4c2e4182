"""A layout that comes with a patch, headers or a binary of Xen: what they show, and what is judged by it."""

import pytest

from simulator import analyse, read_layout_text
from simulator.problem import InvalidInput

LINUX = "0x0407050600070106"
VALUE = """\
diff --git a/xen/arch/x86/include/asm/processor.h b/xen/arch/x86/include/asm/processor.h
--- a/xen/arch/x86/include/asm/processor.h
+++ b/xen/arch/x86/include/asm/processor.h
@@ -66,2 +66,2 @@
-#define XEN_MSR_PAT 0x050100070406ULL
+#define XEN_MSR_PAT 0x0407050600070106ULL
 #ifndef __ASSEMBLY__
"""
FLAGS = """\
diff --git a/xen/arch/x86/include/asm/page.h b/xen/arch/x86/include/asm/page.h
--- a/xen/arch/x86/include/asm/page.h
+++ b/xen/arch/x86/include/asm/page.h
@@ -325,2 +325,2 @@
-#define _PAGE_WT         (                        _PAGE_PWT)
-#define _PAGE_WC         (_PAGE_PAT                        )
+#define _PAGE_WC         (                        _PAGE_PWT)
+#define _PAGE_WT         (_PAGE_PAT | _PAGE_PCD | _PAGE_PWT)
"""
ASSERTION = """\
diff --git a/xen/arch/x86/mm.c b/xen/arch/x86/mm.c
--- a/xen/arch/x86/mm.c
+++ b/xen/arch/x86/mm.c
@@ -6556,3 +6556,2 @@ unsigned long get_upper_mfn_bound(void)
 {
-    BUILD_BUG_ON(XEN_MSR_PAT != 0x050100070406ULL);
     BUILD_BUG_ON(_PAGE_WB);
"""
GUEST = {"name": "dom0", "guest": "linux", "release": "6.12.117", "mode": "pv", "role": "dom0", "drivers": ["i915"]}


def judge(text: str | None = None, *, xen: str = "4.19", layout: str = LINUX, **source: object) -> dict[str, dict]:
    """The findings, by rule, of a layout that comes with a source."""
    found = dict(read_layout_text(text)["source"]) if text is not None else {"name": "xen.gz"}  # type: ignore[call-overload]
    proposal = {"kind": "layout", "layout": layout, "source": found | source}
    report = analyse({"platform": {"xen": xen}, "guests": [GUEST], "proposal": proposal})
    return {finding["rule"]: finding for finding in report["findings"] if finding["state"] != "fixed"}


def verdicts(found: dict[str, dict]) -> dict[str, str]:
    return {rule: one["verdict"] for rule, one in found.items() if rule.startswith("XEN") and rule != "XEN020"}


def test_a_whole_patch_leaves_nothing_behind() -> None:
    assert verdicts(judge(VALUE + FLAGS + ASSERTION)) == {}


@pytest.mark.parametrize(
    ("text", "xen", "wanted"),
    [
        pytest.param(VALUE + FLAGS, "4.19", {"XEN030": "incompatible"}, id="the assertion stays"),
        pytest.param(VALUE + ASSERTION, "4.19", {"XEN010": "incompatible"}, id="page.h stays"),
        pytest.param(
            VALUE + FLAGS + ASSERTION, "4.17", {"XEN040": "incompatible"}, id="MMIO by index lets WT through"
        ),
        pytest.param(VALUE + FLAGS, "4.16", {"XEN030": "compatible", "XEN040": "incompatible"}, id="no assertion"),
    ],
)  # fmt: skip
def test_what_a_patch_leaves_behind_is_certain(text: str, xen: str, wanted: dict[str, str]) -> None:
    assert wanted.items() <= verdicts(judge(text, xen=xen)).items()


def test_a_patch_of_page_h_that_is_wrong() -> None:
    wrong = FLAGS.replace("_PAGE_PAT | _PAGE_PCD | _PAGE_PWT", "_PAGE_PAT | _PAGE_PCD")
    found = judge(VALUE + wrong + ASSERTION)["XEN010"]
    assert found["verdict"] == "incompatible"
    assert "So the pasted text:" in found["message"]
    nowhere = judge(VALUE + wrong + ASSERTION, lines={})["XEN010"]
    assert "So the pasted text defines them" in nowhere["message"]


def test_a_header_alone_says_nothing_of_the_assertion() -> None:
    header = "#define XEN_MSR_PAT 0x0407050600070106ULL\n"
    found = verdicts(judge(header))
    assert found["XEN030"] == "conditional"
    assert verdicts(judge(header, assertion="changed", assertion_value=LINUX)).get("XEN030") is None
    assert verdicts(judge(header, assertion="changed"))["XEN030"] == "conditional"
    assert (
        verdicts(judge(header, assertion="changed", assertion_value="0x0000050100070406"))["XEN030"] == "incompatible"
    )


def test_what_a_patch_touches_is_not_proved_by_that() -> None:
    assert judge(VALUE + FLAGS, xen="4.17", mmio_test="changed")["XEN040"]["verdict"] == "conditional"
    assert judge(VALUE + FLAGS, public_header="changed")["XEN020"]["verdict"] == "conditional"


def test_an_assertion_may_be_written_the_other_way_round() -> None:
    turned = ASSERTION.replace("+6556,2", "+6556,3") + "+    BUILD_BUG_ON(0x050100070406ULL != XEN_MSR_PAT);\n"
    assert judge(VALUE + FLAGS + turned)["XEN030"]["verdict"] == "incompatible"


def test_a_patch_for_a_tree_that_was_patched_before_leaves_unknown_things_alone() -> None:
    back = VALUE.replace("0x0407050600070106ULL", "0x0407050600070100ULL").replace("0x050100070406ULL", f"{LINUX}ULL")
    read = read_layout_text(back)
    assert "what it leaves alone there is not known" in read["notes"][-1]["message"]  # type: ignore[index]
    found = judge(back, layout=str(read["msr"]))
    assert found["XEN010"]["verdict"] == "conditional"


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"built_in": "0x0000050100070406"}, "has 0x0000050100070406 built in"),
        ({}, "does not tell which value"),
        ({"unreadable": "it ends early"}, "could not be read: it ends early"),
        ({"built_in": LINUX, "binary_release": "4.21.1"}, "is Xen 4.21.1, and the platform runs Xen 4.19"),
    ],
)
def test_a_binary_that_does_not_bear_the_proposal_out(told: dict[str, str], says: str) -> None:
    found = judge(binary="xen.gz", **told)["XEN130"]
    assert found["verdict"] == "indeterminate"
    assert f"xen.gz {says}" in found["message"]
    assert "XEN130" not in judge(binary="xen.gz", built_in=LINUX, binary_release="4.19.0")
    assert "XEN130" not in judge(VALUE)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (FLAGS, "shows no value of IA32_PAT"),
        ("#ifdef A\n#define XEN_MSR_PAT 0x0407050600070106\n#else\n#define XEN_MSR_PAT 0x050100070406\n#endif\n",
         "defines several values, each under a condition"),
    ],
)  # fmt: skip
def test_sources_that_are_no_layout(text: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        read_layout_text(text)


def test_a_plain_layout_has_no_source() -> None:
    assert "source" not in read_layout_text(LINUX)
    with pytest.raises(InvalidInput, match="a layout is text"):
        read_layout_text(7)


@pytest.mark.parametrize("index", [8, -1, True, "1"])
def test_an_index_that_is_none(index: object) -> None:
    with pytest.raises(InvalidInput, match=r"proposal\.source\.page_flags\._PAGE_WC: a PAT index, 0 to 7, is wanted"):
        judge(page_flags={"_PAGE_WC": index})
