"""SCH: a scheme in which a guest sets the system's PAT, as thought of and rejected on xen-devel in 2010."""

from collections.abc import Iterator

from simulator import citations
from simulator.case import ClassJudgement
from simulator.finding import Finding, Severity, Verdict
from simulator.pat import POWER_ON
from simulator.rules.layout import say_of_layout
from simulator.rules.rule import LINUX, STOCK, GuestView, Rule, View, example, linux, say

_PROBLEM_1 = "the first problem of 2010: it is complex"
_PROBLEM_2 = "the second problem of 2010: dom0's layout changes what bits mean under other PV guests"
_PROBLEM_3 = "the third problem of 2010: hiding the CPUID flag is meaningless"


def needs_scheme(view: View) -> str:
    """For the rules of schemes."""
    return "" if view.setter else "no scheme is proposed"


def _others(view: View) -> list[ClassJudgement]:
    """The classes of PV guests that may set cache bits, without the guest that sets the layout."""
    return [
        judged
        for judged in view.judged
        if judged.guest_class.members != [view.setter]
        and any(case.kernel.is_pv and case.kernel.setting.devices for case in judged.cases)
    ]


def depends_on_dom0(view: View) -> Iterator[Finding]:
    """Where dom0's layout is not Xen's, what every other guest's bits mean depends on which kernel is dom0."""
    others = [name for judged in _others(view) for name in judged.guest_class.members]
    if view.replaced == view.layout or not others:
        return
    message = (
        f"{view.setter} sets the layout of the whole machine: what the bits of {', '.join(sorted(others))} mean "
        f"depends on which kernel is dom0, and each of them has to be judged for each dom0 ({_PROBLEM_1})."
    )
    yield say_of_layout(
        view,
        "SCH010",
        Verdict.CONDITIONAL,
        view.setter,
        "Every guest's meaning depends on which kernel is dom0",
        message,
        cites=(citations.XEN_DEVEL_2010, citations.XEN_ELF_NOTES),
        severity=Severity.FUNCTION,
        assumption="every kernel that may ever be dom0 asks for the same layout",
        fixes=("let Xen alone set the layout, and let guests read it",),
        headline=f"right if every kernel that may be dom0 asks for one layout: {view.setter} sets it for the machine",
    )


def other_guests(view: View) -> Iterator[Finding]:
    """Bits of guests that were right under Xen's layout mean something else under dom0's."""
    for judged in _others(view):
        kernel, before = judged.kernel, view.replaced
        if kernel is None or before is None or kernel.behaviour.reads:
            continue
        moved = [
            f"{wanted.word} by PA{index} was {before.entries[index].word} and is {view.layout.entries[index].word}"
            for wanted, index in kernel.behaviour.indices.items()
            if index >= 0 and before.entries[index] is not view.layout.entries[index]
        ]
        if moved:
            guest = GuestView(view.platform, view.layout, judged.guest_class, kernel)
            yield say(
                guest,
                "SCH020",
                Verdict.INCOMPATIBLE,
                "dom0's layout",
                title="dom0's choice changes what another guest's bits mean",
                message=f"under the layout that {view.setter} sets, {'; '.join(moved)} ({_PROBLEM_2})",
                headline=f"under the layout that {view.setter} sets, {moved[0]}",
                cites=(citations.XEN_DEVEL_2010, kernel.behaviour.cite),
                fixes=("let Xen alone set the layout",),
            )


def hidden_flag(view: View) -> Iterator[Finding]:
    """A guest that is told of no PAT takes PCD and PWT for the power-on default's, and they are not."""
    low = [n for n in range(4) if view.layout.entries[n] is not POWER_ON.entries[n]]
    for judged in _others(view):
        kernel = judged.kernel or judged.cases[0].kernel
        if low and kernel.hides_pat:
            entry = view.layout.entries[low[0]].word
            guest = GuestView(view.platform, view.layout, judged.guest_class, kernel)
            yield say(
                guest,
                "SCH030",
                Verdict.INCOMPATIBLE,
                "CPUID.PAT",
                title="Hiding the CPUID flag does not bring the default back",
                message=f"its CPUID flag is hidden, which says that PCD and PWT have their default meaning, and "
                f"PA{low[0]} is {entry} and not {POWER_ON.entries[low[0]].word} ({_PROBLEM_3})",
                headline=f"its CPUID flag is hidden, and PA{low[0]} is {entry} all the same",
                cites=(citations.XEN_DEVEL_2010, citations.SDM_PAT_MSR),
                fixes=("show the flag, and let the guest read the MSR",),
            )


_SUSE = {"guest": "suse-xenlinux", "release": "2.6.32", "mode": "pv", "role": "domU", "devices": True, "needs": ["WC"]}
_FIRES = example(linux("6.12", name="dom0"), _SUSE | {"name": "sles11"}, scheme=True, proposed=LINUX, xen="3.4")
_SILENT = example(linux("6.12", name="dom0"), _SUSE | {"name": "sles11"}, scheme=True, proposed=STOCK, xen="3.4")

RULES = (
    Rule("SCH010", "A guest's meaning does not depend on which kernel is dom0", Severity.FUNCTION,
         "schemes in which dom0 sets the layout", (citations.XEN_DEVEL_2010,), "platform", depends_on_dom0,
         needs_scheme, fires=_FIRES, silent=_SILENT),
    Rule("SCH020", "dom0's choice leaves other guests' bits alone", Severity.CORRECTNESS,
         "schemes in which dom0 sets the layout", (citations.XEN_DEVEL_2010,), "platform", other_guests, needs_scheme,
         fires=_FIRES, silent=_SILENT),
    Rule("SCH030", "A hidden CPUID flag means the default layout", Severity.CORRECTNESS,
         "schemes in which dom0 sets the layout", (citations.XEN_DEVEL_2010,), "platform", hidden_flag, needs_scheme,
         fires=_FIRES, silent=_SILENT),
)  # fmt: skip
