"""The rules, by group: LAY a layout, XEN the hypervisor, ENC encodings, EFF MTRRs, DRV drivers, MIG migration,
EVI evidence, SCH schemes.
"""

from simulator.rules import (
    build,
    drivers,
    effective,
    encoding,
    evidence,
    files,
    layout,
    migration,
    schemes,
    second_stage,
    xen,
)
from simulator.rules.rule import Rule, View

RULES: tuple[Rule, ...] = (
    *layout.RULES,
    *build.RULES,
    *xen.RULES,
    *second_stage.RULES,
    *encoding.RULES,
    *effective.RULES,
    *drivers.RULES,
    *migration.RULES,
    *evidence.RULES,
    *files.RULES,
    *schemes.RULES,
)

__all__ = ["RULES", "Rule", "View"]
