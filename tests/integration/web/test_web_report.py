"""The reports of the demo as pages: what the story of the field says can be read there, in words too."""

import re
from html import unescape

import pytest
from django.utils.html import strip_tags

from patreview.analyses.models import Run
from patreview.demo.services import load
from patreview.web import derivation
from patreview.web.layout_table import entry_bits, layout_table
from patreview.web.templatetags import marks
from tests import make


@pytest.fixture
def report(client, db):
    """The page of a demo project's submission, and its words alone."""
    load()

    def read(slug):
        run = Run.objects.get(revision__submission__project__slug=slug)
        make.execute(run)
        page = client.get(f"/s/{run.revision.submission_id}/").text
        return page, re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))

    return read


def test_the_proposal_of_2010(report):
    page, words = report("xen-devel-2010")
    assert "Conditional: Use WT rather than WC, never set the PAT bit, r1" in words
    assert "WC = PWT" in words
    assert "PAT, bit 7, is 0; PCD, bit 4, is 0; PWT, bit 3, is 1" in page
    assert "4·0 + 2·0 + 1 = 1" in words
    assert "Right if: no device writes that RAM without snooping" in words
    for outcome in (
        "device memory under an MTRR of UC UC WC UC Degraded",
        "device memory under an MTRR of WC WC WC UC Degraded",
        "RAM under an MTRR of WB WB WC WT Conditional",
    ):
        assert outcome in words


def test_the_layout_of_the_desktop(report):
    page, words = report("desktop-dom0")
    assert "Incompatible: Use Linux's PAT layout in Xen, r1" in words
    assert "Moves with the type: " in page
    assert "WC from PA4 to PA1" in page
    assert "PA4, unsafe" in page
    assert 'class="by-index broken" d="M0 45H100"' in page
    assert "PAT 1, PCD 0, PWT 0" in page
    assert "0x<mark>04</mark><mark>07</mark>05<mark>06</mark>0007<mark>01</mark>06" in page
    assert "Resumed after" in words
    assert "Fixed" in words
    assert '<tr class="regressed">' in page


def test_every_finding_can_be_reached(report):
    page, _ = report("desktop-dom0")
    targets = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= targets
    assert len(targets) == len(re.findall(r'id="([^"]+)"', page))


def test_the_bits_of_an_entry():
    assert [entry_bits(index) for index in (1, 4, 7)] == [
        {"pat": 0, "pcd": 0, "pwt": 1},
        {"pat": 1, "pcd": 0, "pwt": 0},
        {"pat": 1, "pcd": 1, "pwt": 1},
    ]


def test_many_guests_are_named_in_short():
    assert marks.named(["a"]) == "a"
    assert marks.named(["a", "b"]) == "a and b"
    assert marks.named(list("abcdef")) == "a, b, c and 3 more"
    assert marks.named([]) == ""


def test_a_platform_where_nothing_moves():
    layout = {"msr": "0x0000050100070406", "entries": [], "name": ""}
    table = layout_table({"name": "x", "before": layout, "after": None, "entries": [], "wires": []}, [])
    assert table.words == "No memory type moves."
    assert not table.proposed


def test_a_long_chain_stands_upright():
    step = {"kind": "pat", "label": "", "value": "", "why": "", "cites": [], "bits": None, "types": None}
    finding = {"state": None, "verdict": "degraded", "severity": "function", "steps": [step] * 9, "message": ""}
    assert derivation.findings({"findings": [finding]})[0]["long"]


@pytest.mark.parametrize(
    ("mark", "text"),
    [
        (marks.verdict("", label=""), "no verdict"),
        (marks.verdict("degraded"), "Degraded"),
        (marks.run_state("timed_out"), "Timed out"),
        (marks.when(None), "not yet"),
        (marks.mt("UC-"), "UC-"),
    ],
)
def test_a_mark_has_its_word(mark, text):
    assert strip_tags(mark).strip() == text


def test_an_unknown_type_has_no_colour():
    assert marks.type_class("??") == "none"
    assert marks.short_digest("short") == "short"
