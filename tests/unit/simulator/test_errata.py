"""Processors whose index bit 2 is unreliable, as Linux and FreeBSD tell them."""

import pytest

from simulator.errata import SPECIFICATION_UPDATES, loses_index_bit


@pytest.mark.parametrize(
    ("vendor", "family", "model", "linux", "freebsd"),
    [
        pytest.param("intel", 6, 0x07, True, True, id="Pentium III"),
        pytest.param("intel", 6, 0x0D, True, True, id="Pentium M, Dothan"),
        pytest.param("intel", 6, 0x0E, False, False, id="Core, Yonah"),
        pytest.param("intel", 15, 0x06, True, True, id="Pentium 4, Cedar Mill"),
        pytest.param("intel", 15, 0x07, False, True, id="family 15 past model 6: FreeBSD's test is wider"),
        pytest.param("intel", 6, 0x9E, False, False, id="Kaby Lake"),
        pytest.param("amd", 6, 0x07, False, False, id="AMD"),
    ],
)
def test_errata_cpus(vendor: str, family: int, model: int, linux: bool, freebsd: bool) -> None:
    assert loses_index_bit(vendor, family, model) is linux
    assert loses_index_bit(vendor, family, model, by="FreeBSD") is freebsd


def test_the_specification_updates_are_named() -> None:
    assert [name for name, _ in SPECIFICATION_UPDATES] == [
        "Pentium III E27", "Pentium 4 N46", "Celeron C30", "Celeron C31",
    ]  # fmt: skip
