"""Releases of Xen and of kernels, and what the tables say of them."""

import pytest

from simulator import InvalidInput, analyse
from simulator.guest import loses_pat_bit
from simulator.hypervisor import FACETS, FIRST_RELEASE, LAST_RELEASE, MmioTest, parse_release
from simulator.inputs import kernel_release
from simulator.pat import POWER_ON, XEN_LAYOUT


@pytest.mark.parametrize(
    ("text", "title", "test", "documents", "asserts"),
    [
        ("3.1", "Xen 3.1", MmioTest.NONE, False, False),
        ("3.2", "Xen 3.2", MmioTest.NONE, False, False),
        ("Xen 3.4", "Xen 3.4", MmioTest.NONE, False, False),
        ("4.1.6", "Xen 4.1.6", MmioTest.NONE, False, False),
        ("4.2", "Xen 4.2", MmioTest.NONE, True, False),
        ("4.6.0", "Xen 4.6.0", MmioTest.NONE, True, False),
        ("4.7", "Xen 4.7", MmioTest.BY_INDEX, True, False),
        ("4.17.2", "Xen 4.17.2", MmioTest.BY_INDEX, True, False),
        ("4.18", "Xen 4.18", MmioTest.BY_TYPE, True, True),
        ("4.22", "Xen 4.22", MmioTest.BY_TYPE, True, True),
        ("5.0", "Xen 5.0", MmioTest.BY_TYPE, True, True),
        ("4.17-unstable", "Xen 4.17-unstable", MmioTest.BY_INDEX, True, False),
        ("4.20.1_02-150700.3", "Xen 4.20.1_02-150700.3", MmioTest.BY_TYPE, True, True),
        ("4.2.amazon", "Xen 4.2.amazon", MmioTest.NONE, True, False),
    ],
)
def test_xen_by_release(text: str, title: str, test: MmioTest, documents: bool, asserts: bool) -> None:
    xen = parse_release(text)
    assert (xen.title, xen.mmio_test, xen.documents_layout, xen.asserts_layout) == (title, test, documents, asserts)
    assert xen.mmio_citation.startswith("xen:")
    assert xen.layout == (POWER_ON if xen.series < (3, 2) else XEN_LAYOUT)


def test_a_patched_xen_tests_the_type() -> None:
    assert parse_release("4.17")._replace(by_type=True).mmio_test is MmioTest.BY_TYPE
    assert parse_release("4.6")._replace(by_type=True).mmio_test is MmioTest.NONE


def test_a_newer_xen_is_taken_for_the_newest_that_was_read() -> None:
    assert not parse_release("4.22.3").is_newer
    assert parse_release("4.23").is_newer
    report = analyse({"platform": {"xen": "4.23"}, "guests": [{"guest": "linux", "mode": "pv", "role": "domu"}]})
    (finding,) = [one for one in report["findings"] if one["rule"] == "XEN120"]
    assert (finding["severity"], finding["verdict"]) == ("advice", "compatible")
    assert "Xen 4.23 is newer than 4.22" in finding["message"]


def test_each_facet_says_something_of_every_release() -> None:
    for facet in FACETS:
        assert facet.rows[0][0] == FIRST_RELEASE
        assert [since for since, *_ in facet.rows] == sorted(since for since, *_ in facet.rows)
        assert all(facet.at(FIRST_RELEASE))
        assert facet.at(LAST_RELEASE) == facet.rows[-1][1:]


@pytest.mark.parametrize(
    ("text", "certain"),
    [
        ("3.1", None),
        ("3.2", True),
        ("3.3.1", True),
        ("3.4", None),
        ("4.13", None),
        ("4.14.6", True),
        ("4.15", True),
        ("4.16.3", True),
        ("4.16.4", None),
        ("4.16", False),
        ("4.17.0", True),
        ("4.17", False),
        ("4.17.1", None),
        ("4.18", None),
    ],
)
def test_s3_windows(text: str, certain: bool | None) -> None:
    window = parse_release(text).s3_window()
    assert (window and window[1]) is certain


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2.0", "its sources were not read"),
        ("3.5", "its sources were not read; known are 3.0 to 3.4 and 4.0 and later"),
        ("four", "is no Xen release; write it as in 4.17"),
        ("04.017", "is no Xen release"),
        ("\u0664.\u0661\u0667", "is no Xen release"),
    ],
)
def test_xen_releases_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse_release(text)


@pytest.mark.parametrize(
    ("text", "series", "patch", "candidate"),
    [
        ("6.12.117+deb12-amd64", (6, 12), 117, None),
        ("2.6.32.27", (2, 6, 32), 27, None),
        ("2.6", (2, 6, 0), None, None),
        ("5.15", (5, 15), None, None),
        ("6.0-rc1", (6, 0), None, 1),
        ("6.0.0-0.rc1.13.fc37", (6, 0), 0, 1),
        ("6.0.0-0.rc1.20220818git3b06a2755758.13.fc38.x86_64", (6, 0), 0, 1),
        ("6.0~rc1", (6, 0), None, 1),
        ("6.0~rc1-1~exp1", (6, 0), None, 1),
        ("6.0.0-rc1+", (6, 0), 0, 1),
        ("4.19.0-27-amd64", (4, 19), None, None),
        ("4.18.0-553.el8_10.x86_64", (4, 18), None, None),
        ("5.15.0", (5, 15), 0, None),
        ("2.6.18-194.el5xen", (2, 6, 18), None, None),
    ],
)
def test_kernel_releases(text: str, series: tuple[int, ...], patch: int | None, candidate: int | None) -> None:
    release = kernel_release.parse_release(text)
    assert (release.series, release.patch, release.candidate) == (series, patch, candidate)


@pytest.mark.parametrize("text", ["six", "6", "6.x", "6.12.117deb", "\u0666.\u0661\u0662", "6.12.", ""])
def test_kernel_releases_that_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no kernel release"):
        kernel_release.parse_release(text)


@pytest.mark.parametrize(
    ("text", "hides"),
    [("6.1.0-56-amd64", True), ("6.1.0", False), ("6.1.0-rc1-foo", False), ("6.12.117+deb12-amd64", False)],
)
def test_a_distribution_hides_the_patch(text: str, hides: bool) -> None:
    assert kernel_release.parse_release(text).hides_patch is hides


@pytest.mark.parametrize("text", ["2.7.1", "3.20", "4.21.3", "5.20-rc1", "6.20"])
def test_series_that_never_were(text: str) -> None:
    with pytest.raises(InvalidInput, match="there never was a Linux"):
        kernel_release.parse_release(text)


@pytest.mark.parametrize(
    ("text", "series"), [("13.2-RELEASE", (13, 2)), ("11", (11,)), ("9.99.81", (9, 99, 81)), ("10.0_BETA", (10, 0))]
)
def test_releases_of_other_systems(text: str, series: tuple[int, ...]) -> None:
    assert kernel_release.parse_plain(text).series == series


def test_other_systems_count_too() -> None:
    with pytest.raises(InvalidInput, match="'current' is no release; write it as its system prints it"):
        kernel_release.parse_plain("current")


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("5.15", "5.15.55", True),
        ("6.12.117+deb12-amd64", "6.12.117", True),
        ("6.12.117", "6.12.118", False),
        ("6.0-rc1", "6.0-rc2", False),
        ("5.15", "6.1", False),
        ("6.1.0-56-amd64", "6.1.192", True),
    ],
)
def test_releases_agree(one: str, other: str, agree: bool) -> None:
    assert kernel_release.parse_release(one).agrees_with(kernel_release.parse_release(other)) is agree


@pytest.mark.parametrize(
    ("text", "loses", "known"),
    [
        ("3.18.30", False, ""),
        ("3.19", True, ""),
        ("4.14.177", True, ""),
        ("4.18.0-553.el8", None, "Linux 4.18 drops the PAT bit, and 4.18.0-553.el8 may carry the fix"),
        ("5.4.286", True, ""),
        ("5.10.194", True, ""),
        ("5.10.195", False, ""),
        ("5.14.21", True, ""),
        ("5.15", True, ""),
        ("5.15.131", True, ""),
        ("5.15.132", False, ""),
        ("5.15.0-91", None, "5.15.131 drops the PAT bit, 5.15.132 keeps it, and 5.15.0-91 does not say which it is"),
        ("5.19.17", True, ""),
        ("6.0.19", True, ""),
        ("6.1.52", True, ""),
        ("6.1.53", False, ""),
        ("6.1.0-56", None, "6.1.52 drops the PAT bit, 6.1.53 keeps it, and 6.1.0-56 does not say which it is"),
        ("6.2.16", True, ""),
        ("6.3.9", True, ""),
        ("6.4.15", True, ""),
        ("6.4.16", False, ""),
        ("6.5", True, ""),
        ("6.5.2", True, ""),
        ("6.5.3", False, ""),
        ("6.6-rc1", False, ""),
        ("6.6.0-1-amd64", False, ""),
        ("6.12.117", False, ""),
        ("6.12.0-55.el10", False, ""),
        ("7.2.13", False, ""),
    ],
)
def test_pat_bit_loss_by_release(text: str, loses: bool | None, known: str) -> None:
    loss = loses_pat_bit(kernel_release.parse_release(text))
    assert (loss.loses, loss.known) == (loses, known)
