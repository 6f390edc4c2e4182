"""The memory-type engine: is a PAT layout or a guest kernel safe under Xen?

This is the door: what is not named here is not for other packages.
"""

from simulator.canonical import canonical, digest
from simulator.catalogue import ENGINE_VERSION, rules_as_data, rules_digest
from simulator.effective import Vendor, effective_cell, effective_type
from simulator.hypervisor import parse_release
from simulator.inputs.guest_facts import FAMILIES, read_guest
from simulator.inputs.layout import ReadLayout, read_layout
from simulator.memory_type import MemoryType
from simulator.pat import NAMED_LAYOUTS, InvalidPatLayout, NamedLayout, PatLayout, PteCacheBits
from simulator.problem import InvalidInput, Problem
from simulator.report import analyse
from simulator.scenario import describe_guest

__all__ = [
    "ENGINE_VERSION",
    "FAMILIES",
    "NAMED_LAYOUTS",
    "InvalidInput",
    "InvalidPatLayout",
    "MemoryType",
    "NamedLayout",
    "PatLayout",
    "Problem",
    "PteCacheBits",
    "ReadLayout",
    "Vendor",
    "analyse",
    "canonical",
    "describe_guest",
    "digest",
    "effective_cell",
    "effective_type",
    "parse_release",
    "read_guest",
    "read_layout",
    "rules_as_data",
    "rules_digest",
]
