"""The marks of the pages: memory types, verdicts, icons, strips and bits.

A mark never speaks by colour alone: a memory type carries its letters, a
verdict its icon and its word.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from patreview.web.markdown import as_html

register = template.Library()

_TYPE_CLASS = {"UC": "uc", "UC-": "ucm", "WC": "wc", "WT": "wt", "WP": "wp", "WB": "wb"}
_VERDICT_WORD = {
    "incompatible": "Incompatible",
    "indeterminate": "Indeterminate",
    "conditional": "Conditional",
    "degraded": "Degraded",
    "compatible": "Compatible",
}
_RUN_WORD = {
    "queued": "Queued",
    "running": "Running",
    "completed": "Completed",
    "failed": "Failed",
    "timed_out": "Timed out",
    "cancelled": "Cancelled",
}
_RUN_ICON = {"completed": "g-ok", "failed": "g-no", "timed_out": "g-no", "cancelled": "g-na"}


@register.filter
def type_class(memory_type: str) -> str:
    """The CSS suffix of a memory type: "UC-" is "ucm"."""
    return _TYPE_CLASS.get(memory_type, "none")


@register.filter
def verdict_word(verdict: str) -> str:
    """The word of a verdict as it is written on the page; "" for none."""
    return _VERDICT_WORD.get(verdict, "")


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """One icon of the sprite in base.html, hidden from assistive technology."""
    return format_html('<svg class="icon {}" aria-hidden="true"><use href="#{}"/></svg>', extra, name)


@register.simple_tag
def class_icon(name: str) -> SafeString:
    """The mark of a class of a comparison: none of those of verdicts."""
    return icon(f"c-{name}")


@register.simple_tag
def mt(memory_type: str, size: str = "") -> SafeString:
    """A memory type in its colour and shape, with its letters. `size` is "", "small" or "big"."""
    return format_html(
        '<span class="mt mt-{}{}">{}</span>', type_class(memory_type), f" mt-{size}" if size else "", memory_type
    )


@register.simple_tag
def strip(entries: Iterable[str], label: str) -> SafeString:
    """A layout as eight cells, PA0 first; `label` names it for who cannot see it."""
    cells = format_html_join("", '<li class="mt mt-{}">{}</li>', ((type_class(entry), entry) for entry in entries))
    return format_html('<ol class="strip" aria-label="{}">{}</ol>', label, cells)


@register.simple_tag
def bits(values: Mapping[str, int]) -> SafeString:
    """The three cache bits of a page-table entry, PAT PCD PWT: 1 is filled, 0 is hollow."""
    triple = [1 if values.get(name) else 0 for name in ("pat", "pcd", "pwt")]
    cells = format_html_join("", "<{0}>{1}</{0}>", (("b" if bit else "i", bit) for bit in triple))
    return format_html('<span class="bits" role="img" aria-label="PAT {}, PCD {}, PWT {}">{}</span>', *triple, cells)


@register.simple_tag
def verdict(word: str, chip: bool = False, label: str = "") -> SafeString:
    """A verdict with its icon and word; `chip` draws the border of what is new or final."""
    if word not in _VERDICT_WORD:
        return format_html('<span class="quiet">{}</span>', label or "no verdict")
    return format_html(
        '<span class="verdict{} v-{}">{}{}</span>',
        " chip" if chip else "",
        word,
        icon(f"v-{word}"),
        label or _VERDICT_WORD[word],
    )


@register.simple_tag
def run_state(state: str) -> SafeString:
    """The state of a run: a gate mark and a word, for a state is no verdict."""
    return format_html(
        '<span class="runstate">{} {}</span>', icon(_RUN_ICON.get(state, "g-wait")), _RUN_WORD.get(state, state)
    )


@register.simple_tag
def when(moment: datetime | None) -> SafeString:
    """A moment as text in UTC, with the machine's form beside it."""
    if moment is None:
        return format_html('<span class="quiet">{}</span>', "not yet")
    utc = moment.astimezone(timezone.get_fixed_timezone(0))
    return format_html('<time datetime="{}">{}</time>', utc.strftime("%Y-%m-%dT%H:%M:%SZ"), _spoken(utc))


def _spoken(utc: datetime) -> str:
    return f"{utc.day} {utc.strftime('%b %Y %H:%M')} UTC"


@register.filter
def age(moment: datetime) -> str:
    """How long ago, in one unit: "now", "5 min", "3 h", "12 d"."""
    seconds = int((timezone.now() - moment).total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return "now"


@register.filter
def waited(moment: datetime) -> str:
    """Since when something waits: "for 3 h", "since just now"."""
    long = age(moment)
    return "since just now" if long == "now" else f"for {long}"


@register.filter
def markdown(text: str) -> SafeString:
    """A comment as HTML."""
    return as_html(text)


@register.filter
def short_digest(digest: str) -> str:
    """The first and last characters of a digest, for one who compares by eye."""
    bare = digest.removeprefix("sha256:")
    return f"sha256:{bare[:8]}…{bare[-4:]}" if len(bare) > 16 else digest


@register.filter
def named(names: list[str], shown: int = 3) -> str:
    """A list of names in words: "a, b and 12 more"."""
    if len(names) > shown + 1:
        return f"{', '.join(names[:shown])} and {len(names) - shown} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def counted(names: list[str], others: int, shown: int = 2) -> str:
    """Names, and others besides that are not named: "a, b and 12 more"."""
    if not others:
        return named(names, shown)
    return f"{', '.join(names[:shown])} and {len(names[shown:]) + others} more"
