"""Guest kernels to start a proposal from: what a person would state of each, and where it stands in the tables."""

from typing import Any

from patreview.web.errors import BadAddress

Json = dict[str, Any]

_DOM0: Json = {"mode": "pv", "role": "dom0", "devices": True}
_LINUX: Json = {"family": "linux"} | _DOM0

#: Well-known kernels, oldest first: at each of them something changed in how it encodes.
PRESETS: dict[str, tuple[str, Json]] = {
    "xenlinux-2.6.18": ("XenLinux 2.6.18", {"family": "xenlinux", "release": "2.6.18"} | _DOM0),
    "suse-2.6.32": ("SUSE XenLinux 2.6.32", {"family": "suse-xenlinux", "release": "2.6.32"} | _DOM0),
    "linux-3.2": ("Linux 3.2", _LINUX | {"release": "3.2"}),
    "linux-3.19": ("Linux 3.19", _LINUX | {"release": "3.19"}),
    "linux-6.1": ("Linux 6.1", _LINUX | {"release": "6.1"}),
    "linux-6.12": ("Linux 6.12", _LINUX | {"release": "6.12"}),
    "netbsd-10": ("NetBSD 10", {"family": "netbsd", "release": "10.0"} | _DOM0),
    "mini-os": ("Mini-OS", {"family": "mini-os", "mode": "pv", "role": "domU", "devices": False}),
}


def stated(key: str) -> Json:
    """What a preset states. Raises BadAddress for a name that is none."""
    if key not in PRESETS:
        raise BadAddress(f"“{key[:50]}” is no known kernel; use {', '.join(PRESETS)}.")
    return PRESETS[key][1]


def links(path: str, here: str) -> list[Json]:
    """The presets as links to the form at `path`; `here` is the one that it was filled from."""
    return [
        {"title": title, "href": f"{path}?kind=guest&preset={key}", "here": key == here}
        for key, (title, _) in PRESETS.items()
    ]
