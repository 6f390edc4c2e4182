"""Fleets of guests for measuring: seeded, so that every run judges the same."""

import random
from typing import Any

Data = dict[str, Any]

_RELEASES = ("6.12.117", "5.15.100", "3.2.71", "6.1.192", "4.4.121", "2.6.36", "3.10", "5.4.286", "6.6.1", "7.2")
_DRIVERS = (["amdgpu"], ["i915"], ["mlx5_ib"], ["efifb", "i915"], [])
SEED = 20100329
PROPOSED = "0x0407050600070106"


def make_profiles(count: int) -> list[Data]:
    """That many ways to be a guest; some of them encode and need the same."""
    choose = random.Random(SEED)
    return [
        {
            "guest": "linux",
            "release": choose.choice(_RELEASES),
            "mode": "pv",
            "role": "domU",
            "devices": choose.random() < 0.8,
            "drivers": choose.choice(_DRIVERS),
            "hide_cpuid_pat": choose.random() < 0.1,
        }
        for _ in range(count)
    ]


def make_fleet(guests: int, profiles: list[Data]) -> list[Data]:
    """That many guests, each of one of the profiles."""
    return [{"name": f"g{number:06}", **profiles[number % len(profiles)]} for number in range(guests)]


def make_scenario(guests: list[Data]) -> Data:
    """A layout proposed for a platform with these guests."""
    return {
        "platform": {"name": "host", "xen": "4.17"},
        "guests": guests,
        "proposal": {"kind": "layout", "layout": PROPOSED},
    }
