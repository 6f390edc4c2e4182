"""A kernel release, as `uname -r` or a .config header write it."""

import re
from typing import NamedTuple

from simulator.problem import refuse

_RELEASE = (
    r"([0-9]{1,3})\.([0-9]{1,3})(?:\.([0-9]{1,4}))?(?:\.([0-9]{1,4}))?(?:[-~](?:0\.)?rc([0-9]{1,3}))?"
    r"((?:[-+_~ ].*|\.(?(5)|[A-Za-z]).*)?)"
)
_OLD_MAJOR = 2
#: The last series of each major number that has ended, as 6.19.
LAST_MINORS = {2: 6, 3: 19, 4: 20, 5: 19, 6: 19}


class KernelRelease(NamedTuple):
    """A release in its parts: series 2.6.32 or 6.12, patch 27 or 117, candidate 1 of -rc1.

    A distribution counts its own builds and hides the patch, as in `6.1.0-56-amd64`.
    """

    text: str
    series: tuple[int, ...]
    patch: int | None
    candidate: int | None
    hides_patch: bool = False

    @property
    def series_text(self) -> str:
        """The series alone, as in `6.12`."""
        return ".".join(str(number) for number in self.series)

    def agrees_with(self, other: "KernelRelease") -> bool:
        """Whether both can be the same kernel: equal in every part that both state."""
        patches = {self.patch, other.patch} - {None}
        candidates = {self.candidate, other.candidate} - {None}
        return self.series == other.series and len(patches) < 2 and len(candidates) < 2

    @property
    def numbers(self) -> tuple[int, ...]:
        """Series and patch, to compare with trees that were read; an unknown patch counts as 0."""
        return *self.series, self.patch or 0

    def says_less_than(self, other: "KernelRelease") -> bool:
        """Whether the other may be the same kernel and knows the patch that this one does not.

        A patch of 0 says nothing: distributions keep it while they add their own.
        """
        return self.agrees_with(other) and self.patch is None and bool(other.patch)


def parse_release(text: str, *, field: str = "release") -> KernelRelease:
    """The release that a text states, as in `6.12.117+deb12-amd64`, `2.6.32.27` or `6.0-rc1`.

    Raises InvalidInput for other text and for a series that never was, as 3.20.
    """
    match = re.fullmatch(_RELEASE, text, re.ASCII)
    if match is None:
        raise refuse(
            "kernel_release",
            f"{text[:60]!a} is no kernel release; write it as `uname -r` prints it, as in 6.12.117",
            field=field,
        )
    major, minor, third, fourth, candidate = (None if part is None else int(part) for part in match.groups()[:5])
    assert major is not None  # the pattern makes them
    assert minor is not None
    last = LAST_MINORS.get(major, minor)
    if minor > last:
        message = f"there never was a Linux {major}.{minor}: the last {major}.x is {major}.{last}"
        raise refuse("kernel_release", message, field=field)
    is_old = major == _OLD_MAJOR
    series: tuple[int, ...] = (major, minor, third or 0) if is_old else (major, minor)
    patch = fourth if is_old else third
    hides_patch = bool(match[6]) and candidate is None and not patch
    return KernelRelease(
        text=text,
        series=series,
        patch=None if hides_patch else patch,
        candidate=candidate,
        hides_patch=hides_patch,
    )


_PLAIN = r"[0-9]{1,5}(?:\.[0-9]{1,5}){0,3}"


def parse_plain(text: str, *, field: str = "release") -> KernelRelease:
    """The release of a system that is not Linux, as in `9.99.81`, `13.2-RELEASE` or `11`.

    Raises InvalidInput for text that does not begin with a number.
    """
    match = re.match(_PLAIN, text, re.ASCII)
    if match is None:
        message = f"{text[:60]!a} is no release; write it as its system prints it, as in 13.2 or 9.99.81"
        raise refuse("kernel_release", message, field=field)
    return KernelRelease(text=text, series=parse_series(match[0]), patch=None, candidate=None)


def parse_series(text: str) -> tuple[int, ...]:
    """The numbers of a series in a table, as in `2.6.26` or `3.19`."""
    return tuple(int(number) for number in text.split("."))
