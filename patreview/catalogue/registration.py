"""Add a platform: by a maintainer, from the browser or by REST."""

import json
from dataclasses import dataclass, field
from typing import Any, NoReturn

from django.core.exceptions import ValidationError
from django.db import transaction

from patreview import engine
from patreview.catalogue.models import Platform
from patreview.catalogue.services import PLATFORMS_MAX, add_platform, hold, know_layout
from patreview.projects.errors import Conflict
from patreview.projects.models import Project, Role
from patreview.projects.principal import Principal
from patreview.projects.queries import require

MTRR_MAX = 64 * 1024  # characters


@dataclass(frozen=True)
class NewPlatform:
    """What is stated of a platform. `layout` is any text that states one; "" means the release's own."""

    name: str
    release: str
    layout: str = ""
    cpu_vendor: str = "any"
    details: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def register_platform(project: Project, stated: NewPlatform, *, by: Principal) -> Platform:
    """Raises Forbidden, NotFound, Conflict (`name_taken`), engine.InvalidInput that names the field."""
    require(by, project, Role.MAINTAINER, scope="review")
    hold(project.pk)
    _check_name(stated.name)
    if project.platforms.filter(retired_at=None).count() >= PLATFORMS_MAX:
        raise Conflict("too_many", f"{PLATFORMS_MAX} platforms are in service, which is the most; retire one first.")
    taken = Platform.objects.filter(project=project, name=stated.name).first()
    if taken:
        is_out = ", retired; restore it" if taken.retired_at else ""
        raise Conflict("name_taken", f"There is a platform {taken.name} already{is_out}.")
    msr = _layout(stated)
    engine.check_platform({"xen": stated.release, "vendor": stated.cpu_vendor, **stated.details})
    layout = know_layout(project, msr, origin=f"stated by {by.name}")
    fields: dict[str, Any] = {"release": stated.release, "cpu_vendor": stated.cpu_vendor, "details": stated.details}
    try:
        return add_platform(project, stated.name, layout=layout, by=by.name, token=by.token_key, **fields)
    except ValidationError as exc:
        _refuse(exc)


def _check_name(name: str) -> None:
    """Before it is looked for: not every text can be."""
    try:
        Platform._meta.get_field("name").clean(name, None)
    except ValidationError as exc:
        message = "Letters, digits, dots, dashes and underscores, at most 50, as in xen-4.19."
        raise engine.refusal(engine.problem("name", message)) from exc


def _layout(stated: NewPlatform) -> str:
    """The IA32_PAT value that is in force; problems lie at the field that they are of."""
    try:
        if stated.layout.strip():
            msr: str = engine.check_layout(stated.layout)["msr"]
            return msr
        return engine.stock_layout(stated.release)
    except engine.InvalidInput as exc:
        name = "layout" if stated.layout.strip() else "release"
        raise engine.refusal(*(one | {"field": name} for one in engine.problems_of(exc))) from exc


def _refuse(exc: ValidationError) -> NoReturn:
    """Of what the model refuses, the engine's kind of refusal."""
    found = exc.message_dict if hasattr(exc, "error_dict") else {"name": exc.messages}
    raise engine.refusal(
        *(engine.problem(name, message) for name, messages in found.items() for message in messages)
    ) from exc


def read_mtrr(text: str) -> Any:
    """MTRRs as JSON text, to be judged by the engine. Raises engine.InvalidInput for what is no JSON."""
    if len(text) > MTRR_MAX:
        raise engine.refusal(engine.problem("mtrr", f"more than {MTRR_MAX} characters are no MTRRs"))
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise engine.refusal(engine.problem("mtrr", f"no JSON: {exc}"[:300])) from exc
