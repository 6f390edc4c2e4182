"""The memory-type engine: is a PAT layout or a guest kernel safe under Xen?

This is the door: what is not named here is not for other packages. What it names is loaded when it is first asked
for, so that a short question does not wait for all of the engine.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.canonical_json import canonical, digest
    from simulator.catalogue import (
        ENGINE_VERSION,
        drivers_as_data,
        guests_as_data,
        hypervisors_as_data,
        losses_as_data,
        memory_types_as_data,
        rules_as_data,
        rules_digest,
    )
    from simulator.comparison import COMPARISON_CLASSES, compare
    from simulator.difference import compare_inputs
    from simulator.effective import Vendor, effective_cell, effective_type
    from simulator.evidence.account import account_of, is_same_platform, platform_seen
    from simulator.evidence.formats import FORMATS, IMAGE_ROLES, decode
    from simulator.evidence.recognition import recognise
    from simulator.explanation import explain
    from simulator.guest import FAMILIES, FAMILY_TITLES
    from simulator.hypervisor import parse_release
    from simulator.images.child import read_in_child
    from simulator.inputs.layout import ReadLayout, read_layout
    from simulator.memory_type import MemoryType
    from simulator.pat import NAMED_LAYOUTS, XEN_LAYOUT, InvalidPatLayout, NamedLayout, PatLayout, PteCacheBits
    from simulator.problem import InvalidInput, Problem
    from simulator.report import analyse
    from simulator.scenario import MMIO_BY_TYPE_FIX, check_platform, describe_guest
    from simulator.source import read_layout_text
    from simulator.statement import add_images, read_guest

_HOMES = {
    "canonical_json": ("canonical", "digest"),
    "catalogue": (
        "ENGINE_VERSION",
        "drivers_as_data",
        "guests_as_data",
        "hypervisors_as_data",
        "losses_as_data",
        "memory_types_as_data",
        "rules_as_data",
        "rules_digest",
    ),
    "comparison": ("COMPARISON_CLASSES", "compare"),
    "difference": ("compare_inputs",),
    "effective": ("Vendor", "effective_cell", "effective_type"),
    "evidence.account": ("account_of", "is_same_platform", "platform_seen"),
    "evidence.formats": ("FORMATS", "IMAGE_ROLES", "decode"),
    "evidence.recognition": ("recognise",),
    "explanation": ("explain",),
    "guest": ("FAMILIES", "FAMILY_TITLES"),
    "hypervisor": ("parse_release",),
    "images.child": ("read_in_child",),
    "source": ("read_layout_text",),
    "statement": ("add_images", "read_guest"),
    "inputs.layout": ("ReadLayout", "read_layout"),
    "memory_type": ("MemoryType",),
    "pat": ("NAMED_LAYOUTS", "XEN_LAYOUT", "InvalidPatLayout", "NamedLayout", "PatLayout", "PteCacheBits"),
    "problem": ("InvalidInput", "Problem"),
    "report": ("analyse",),
    "scenario": ("MMIO_BY_TYPE_FIX", "check_platform", "describe_guest"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """A public name, from the module that is its home."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"simulator.{_HOME_OF[name]}"), name)


__all__ = [
    "COMPARISON_CLASSES",
    "ENGINE_VERSION",
    "FAMILIES",
    "FAMILY_TITLES",
    "FORMATS",
    "IMAGE_ROLES",
    "MMIO_BY_TYPE_FIX",
    "NAMED_LAYOUTS",
    "XEN_LAYOUT",
    "InvalidInput",
    "InvalidPatLayout",
    "MemoryType",
    "NamedLayout",
    "PatLayout",
    "Problem",
    "PteCacheBits",
    "ReadLayout",
    "Vendor",
    "account_of",
    "add_images",
    "analyse",
    "canonical",
    "check_platform",
    "compare",
    "compare_inputs",
    "decode",
    "describe_guest",
    "digest",
    "drivers_as_data",
    "effective_cell",
    "effective_type",
    "explain",
    "guests_as_data",
    "hypervisors_as_data",
    "is_same_platform",
    "losses_as_data",
    "memory_types_as_data",
    "parse_release",
    "platform_seen",
    "read_guest",
    "read_in_child",
    "read_layout",
    "read_layout_text",
    "recognise",
    "rules_as_data",
    "rules_digest",
]
