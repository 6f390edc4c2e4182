"""What the tests of real packages share: they run by `make test-real` alone, and end with a table of what it took."""

import os
from collections.abc import Callable
from typing import TypeVar

import pytest

from tests.real.figures import GRUB, KERNELS, KernelFigures
from tests.real.images import (
    READ,
    RealImage,
    RealKernel,
    real_configs,
    real_grub,
    real_kernel,
    real_mach,
    real_xen,
)
from tests.real.packages import Unreachable

#: Without the variable nobody wants packages to be fetched.
collect_ignore_glob = [] if os.environ.get("PATREVIEW_REAL") else ["test_*.py"]
AIM_S = 0.5

Found = TypeVar("Found")


def _title(figures: KernelFigures) -> str:
    return figures.asked.removeprefix("linux-image-")


@pytest.fixture(params=KERNELS, ids=_title)
def kernel(request: pytest.FixtureRequest) -> RealKernel:
    """The newest kernel of each row of the figures."""
    return had(lambda: real_kernel(request.param))


@pytest.fixture
def known(kernel: RealKernel) -> RealKernel:
    """A kernel of the very version that the figures are of."""
    if not kernel.is_the_one:
        pytest.skip(f"figures are of {kernel.figures.version}, apt has {kernel.image.package.version}: "
                    "test_oracles.py compares it with other readers")  # fmt: skip
    return kernel


@pytest.fixture
def mach() -> RealImage:
    """GNU Mach for Xen."""
    return had(real_mach)


@pytest.fixture(params=["xen-*.gz", "xen-*.efi"])
def xen(request: pytest.FixtureRequest) -> RealImage:
    """The hypervisor, packed and as an EFI program."""
    return had(lambda: real_xen(f"boot/{request.param}"))


@pytest.fixture(params=GRUB)
def grub(request: pytest.FixtureRequest) -> RealImage:
    """What GRUB's tool makes for each of its targets on Xen."""
    return had(lambda: real_grub(request.param))


@pytest.fixture(params=["linux-config-6.1", "linux-config-6.12"])
def configs(request: pytest.FixtureRequest) -> dict[str, bytes]:
    """The packed configurations of a series, by file name."""
    return had(lambda: real_configs(request.param))


def had(find: Callable[[], Found]) -> Found:
    """What a package gives, or a skip with the reason why it cannot be had."""
    try:
        return find()
    except Unreachable as fault:
        pytest.skip(str(fault))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What reading each image took, beside its decompressor alone."""
    if READ:
        terminalreporter.section("images: from the file to facts in a child, and the decompressor alone")
        terminalreporter.write_line(
            f"{'image':36} {'MB':>6} {'by':5} {'unpacked':>8} {'alone':>8} {'child':>8} {'more':>8} {'clock':>8} "
            f"{'peak':>8}"
        )
    for image in READ.values():
        terminalreporter.write_line(_row(image))
    if READ:
        terminalreporter.write_line(f"alone, child, more: seconds of CPU; the aim is {AIM_S} s more at most.")


def _row(image: RealImage) -> str:
    used = image.result.get("used") or {"cpu_s": 0.0, "peak_bytes": 0}
    more = used["cpu_s"] - image.plain_cpu_s
    sizes = [path.stat().st_size / 1e6 for path in (image.path, image.body)]
    return (
        f"{image.name:36} {sizes[0]:6.1f} {image.method or '-':5} {sizes[1]:5.1f} MB {image.plain_cpu_s:6.2f} s "
        f"{used['cpu_s']:6.2f} s {more:6.2f} s {image.wall_s:6.2f} s {used['peak_bytes'] >> 20:4} MiB"
        + (" PAST THE AIM" if more > AIM_S else "")
    )
