"""What a rule is, and what it looks at."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from simulator.case import ClassJudgement
from simulator.driver import Need
from simulator.finding import SEVERITY_OF, Finding, Severity, Step, Verdict
from simulator.kernel import Kernel
from simulator.mapping import Mapping
from simulator.pat import PatLayout
from simulator.platform import Platform
from simulator.scenario import GuestClass

Data = dict[str, object]


class View(NamedTuple):
    """One platform under one layout, with its classes judged.

    `replaced` is the layout in force that this one would replace; None where nothing is replaced. `judges_layout`
    says that a layout is proposed at all, `setter` which guest chose it in a scheme.
    """

    platform: Platform
    layout: PatLayout
    judged: tuple[ClassJudgement, ...]
    judges_layout: bool
    replaced: PatLayout | None = None
    setter: str = ""


class GuestView(NamedTuple):
    """A class under a layout, taken to be one definite kernel."""

    platform: Platform
    layout: PatLayout
    one: GuestClass
    kernel: Kernel
    judges_layout: bool = False
    replaced: PatLayout | None = None

    @property
    def walked(self) -> PatLayout:
        """The layout under which its page tables are walked."""
        return self.kernel.own or self.layout


class MappingView(NamedTuple):
    """A type that a kernel maps at a target; `need` is None where nothing is known to need it.

    `booted_under` is the layout that the guest started under, where it is restored under another one.
    """

    guest: GuestView
    mapping: Mapping
    need: Need | None = None
    booted_under: PatLayout | None = None


#: "" where a rule applies to a view; else why it does not.
Applies = Callable[[View], str]


class Rule(NamedTuple):
    """One rule: a row of the catalogue. Its id is never used again for another.

    `check` takes a View for scope platform, a GuestView for guest, a MappingView for mapping and for restore.
    `fires` and `silent` are scenarios: in the one the rule has a finding, in the other it has none.
    """

    id: str
    title: str
    severity: Severity
    applicability: str
    cites: tuple[str, ...]
    scope: str
    check: Callable[..., Iterable[Finding]]
    applies: Applies
    fires: Data
    silent: Data
    needs_encodings: bool = False  # says nothing of a guest whose behaviour is undecided


def example(
    *guests: Data,
    xen: str = "4.22",
    layout: str = "",
    proposed: str = "",
    scheme: bool = False,
    vendor: str = "intel",
    source: Data | None = None,
    **platform: object,
) -> Data:
    """A scenario of an example: guests on one platform, and the layout that is proposed or that a scheme sets."""
    on: Data = {"xen": xen, "vendor": vendor, **({"layout": layout} if layout else {}), **platform}
    scenario: Data = {"platform": on, "guests": list(guests)}
    if proposed or scheme:
        kind = "scheme" if scheme else "layout"
        scenario["proposal"] = {"kind": kind, **({"layout": proposed} if proposed else {})}
        if source is not None:
            scenario["proposal"] = {"kind": kind, "layout": proposed, "source": source}
    return scenario


def linux(release: str, role: str = "dom0", mode: str = "pv", **more: object) -> Data:
    """A Linux guest of an example."""
    return {"guest": "linux", "release": release, "mode": mode, "role": role, "devices": role == "dom0", **more}


#: The layouts that examples use.
STOCK = "WB WT UC- UC WC WP UC UC"
LINUX = "WB WC UC- UC WB WP UC- WT"


def needs_proposal(view: View) -> str:
    """For the rules of a layout: they judge one that is proposed."""
    return "" if view.judges_layout else "no layout is proposed"


def needs_header(view: View) -> str:
    """For the rules of a proposed layout that rest on Xen's public header."""
    if view.judges_layout and not view.platform.xen.documents_layout:
        return f"the public header of {view.platform.xen.title} prints no layout"
    return needs_proposal(view)


def needs_guests(view: View) -> str:
    """For the rules of guests."""
    return "" if view.judged else "no guest runs on this platform"


def needs_layout_or_guests(view: View) -> str:
    """For the rules that judge a layout in force too, where somebody runs under it."""
    return needs_proposal(view) and needs_guests(view) and "no layout is proposed, and no guest runs on this platform"


def needs_config(view: View) -> str:
    """For the rules that look into a .config."""
    if view.judged and not any(judged.guest_class.has_config for judged in view.judged):
        return "no .config was sent"
    return needs_guests(view)


def needs_pv(view: View) -> str:
    """For the rules of PV guests."""
    return _needs_kind(view, "no PV guest runs on this platform", is_pv=True)


def needs_own_pat(view: View) -> str:
    """For the rules of PVH and HVM guests."""
    return _needs_kind(view, "no PVH or HVM guest runs on this platform", is_pv=False)


def _needs_kind(view: View, why: str, *, is_pv: bool) -> str:
    kernels = (case.kernel for judged in view.judged for case in judged.cases)
    return "" if any(kernel.is_pv is is_pv for kernel in kernels) else why


def join(words: Sequence[str]) -> str:
    """Words as a list in a sentence: `mode, role and devices`."""
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def say(
    view: GuestView,
    rule: str,
    verdict: Verdict,
    subject: str,
    *,
    title: str,
    message: str,
    cites: tuple[str, ...],
    severity: Severity | None = None,
    fixes: tuple[str, ...] = (),
    assumption: str | None = None,
    headline: str = "",
    steps: tuple[Step, ...] = (),
    **more: object,
) -> Finding:
    """A finding about a guest; `message` follows the guest and a colon. Without steps: what it is, what follows."""
    one, kernel = view.one, view.kernel
    return Finding(
        rule=rule,
        verdict=verdict,
        subject=subject,
        title=title,
        message=f"{one.subject}: {message}.",
        steps=steps or (premise(view), consequence(verdict, message, cites)),
        severity=severity or SEVERITY_OF[verdict],
        confidence=kernel.confidence,
        fixes=fixes,
        assumption=assumption if verdict is Verdict.CONDITIONAL else None,
        headline=f"{{who}}: {headline or message}",
        who=one.who,
        platform=view.platform.name,
        guest_class=one,
        guests=tuple(one.members),
        **more,  # type: ignore[arg-type]  # fields of Finding
    )


def premise(view: GuestView) -> Step:
    """What the guest is, and by which row of the tables."""
    kernel = view.kernel
    return Step(
        "premise", "Premise", kernel.behaviour.title, f"{view.one.title}: {kernel.row.title}", (kernel.behaviour.cite,)
    )


def consequence(verdict: Verdict, why: str, cites: tuple[str, ...]) -> Step:
    """The last step of a derivation."""
    return Step("consequence", "Consequence", verdict.word, why, cites)
