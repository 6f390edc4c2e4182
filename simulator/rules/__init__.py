"""The rules, by group: LAY a layout, XEN the hypervisor, ENC encodings, MIG migration, EVI evidence."""

from simulator.rules import encoding, evidence, layout, migration, xen
from simulator.rules.rule import Rule, View

RULES: tuple[Rule, ...] = (
    *layout.RULES,
    *xen.RULES,
    *encoding.RULES,
    *migration.RULES,
    *evidence.RULES,
)

__all__ = ["RULES", "Rule", "View"]
