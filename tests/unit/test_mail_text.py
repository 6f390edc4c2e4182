"""The plain text of letters: a layout as a table, findings, paragraphs."""

from patreview.outgoing.text import (
    WIDTH,
    finding_lines,
    guest_lines,
    layout_table,
    one_line,
    paragraph,
    quoted,
    tally_line,
)


def entry(index: int, **fields):
    bits = {"pat": index >> 2 & 1, "pcd": index >> 1 & 1, "pwt": index & 1}
    same = {"name": f"PA{index}", "bits": bits, "before": "WB", "after": "WB", "relied_on": [], "verdict": None}
    return same | fields


def relied(wants: str, *members: str, how: str = "type", when: str = "both"):
    return {"wants": wants, "members": list(members), "how": how, "when": when}


def test_a_layout_as_a_table():
    entries = [
        entry(0, relied_on=[relied("WB", "dom0", "web", "sys-gpu", "db", "mail")], verdict="compatible"),
        entry(1, before="WT", after="WC", relied_on=[relied("WC", "cad"), relied("WC", "sles11", how="index")],
              verdict="incompatible"),
        entry(4, before="WC", relied_on=[relied("WC", "cad-passthrough", when="before")]),
        entry(7, before="UC", after=None),
    ]  # fmt: skip
    assert layout_table({"entries": entries}).splitlines() == [
        "     PAT PCD PWT  before  after  who relies on it          outcome",
        "PA0   0   0   0   WB      WB     WB: dom0, web, sys-gpu    compatible",
        "                                   and 2 more",
        "PA1   0   0   1   WT      WC     WC by index: sles11       incompatible",
        "                                 WC: cad",
        "PA4   1   0   0   WC      WB     until now WC:             -",
        "                                   cad-passthrough",
        "PA7   1   1   1   UC      -      nobody                    -",
    ]


def test_long_names_stay_in_the_table():
    rows = layout_table({"entries": [entry(0, relied_on=[relied("UC-", "x" * 100)], verdict="indeterminate")]})
    assert max(len(row) for row in rows.splitlines()) <= WIDTH
    assert rows.count("x") == 100


def finding(number: int, **fields):
    about = {"rule": "ENC010", "verdict": "incompatible", "state": "new", "fingerprint": f"f{number}", "guests": []}
    return about | {"title": f"Finding {number}"} | fields


def test_the_ten_worst_findings_with_what_is_waived():
    findings = [finding(0, state="fixed"), *(finding(number) for number in range(1, 13))]
    lines = finding_lines({"findings": findings}, {"f2": "2026-12-31 (W-3)"}).splitlines()
    assert lines[:3] == [
        "- incompatible ENC010: Finding 1", "- incompatible ENC010: Finding 2", "  waived until 2026-12-31 (W-3)",
    ]  # fmt: skip
    assert lines[-1] == "and 2 more"
    assert len(lines) == 12


def test_a_finding_names_whose_it_is():
    lines = finding_lines({"findings": [finding(1, guests=["dom0", "web", "db", "mail"])]}, {})
    assert lines == "- incompatible ENC010: Finding 1 (dom0, web, db and 1 more)"


def test_how_many_guests_have_which_verdict():
    counts = {"compatible": 4, "degraded": 0, "conditional": 10, "indeterminate": 7, "incompatible": 1}
    assert tally_line({"tally": {"after": counts, "before": {"compatible": 0}}}).splitlines() == [
        "Guests: 4 compatible, 10 conditional, 7 indeterminate, 1 incompatible;",
        "  before: none.",
    ]


def test_a_line_for_each_kind_of_guests():
    row = {"after": "conditional", "change": "regressed", "members": ["a", "b", "c", "d"], "platform": "xen-4.17",
           "title": "PV dom0, Linux 6.12"}  # fmt: skip
    lines = guest_lines({"classes": [row] * 22}).splitlines()
    assert lines[0] == "conditional (regressed): a, b, c and 1 more on xen-4.17 (PV dom0, Linux"
    assert lines[1] == "  6.12)"
    assert lines[-1] == "and 2 more kinds of guests"


def test_paragraphs_break_long_words_and_keep_addresses():
    assert max(len(line) for line in paragraph("word " + "y" * 200).splitlines()) == WIDTH
    address = "https://example.org/" + "z" * 100
    assert address in paragraph(f"see {address}").splitlines()


def test_no_control_survives_in_a_line():
    assert one_line("a\r\nb\x00c\u2028d\u202ee\tf") == "a b c d e f"


def test_every_line_of_a_quotation_is_marked():
    assert quoted("a\n\n-- \nb") == "> a\n>\n> --\n> b"
