"""Links from a report to the reference pages: only to what the engine still knows, for reports outlive rules."""

from functools import cache

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from patreview import engine

register = template.Library()


@cache
def _rule_ids() -> frozenset[str]:
    return frozenset(rule["id"] for rule in engine.rules())


@cache
def _families() -> dict[str, str]:
    """The family of each row of the table of kernels, by its title."""
    return {row["title"]: row["family"] for row in engine.known_guests()}


@register.simple_tag
def rule_link(rule_id: str, text: str = "") -> SafeString:
    """A rule's id, or a text, that leads to the rule's page."""
    shown = text or rule_id
    if rule_id not in _rule_ids():
        return format_html("{}", shown)
    return format_html('<a href="{}">{}</a>', reverse("web:rule", args=[rule_id]), shown)


@register.simple_tag
def kernel_link(row: str | None, text: str) -> SafeString:
    """A text about a guest that leads to its family in the table of kernels, where the row is known."""
    family = _families().get(row or "")
    if family is None:
        return format_html("{}", text)
    return format_html('<a href="{}#{}">{}</a>', reverse("web:kernels"), family, text)
