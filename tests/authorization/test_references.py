"""What a request names besides its address: the name of something hidden is answered as a name that nothing has."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client

from patreview.submissions import drafts
from patreview.submissions.services import Upload
from tests import make
from tests.authorization.test_matrix import text_of
from tests.authorization.world import SECRETS, World, digest_of_everything, undone

pytestmark = pytest.mark.django_db
LAYOUT = {"kind": "layout", "title": "Mine", "layout": make.LINUX}
GUEST = {"kind": "guest", "title": "Mine", "guest": {"name": "x", "family": "linux"}}
#: How one who is maintainer elsewhere names it: method, address there, what is sent, and a name that nothing has.
NAMED = {
    "a platform": ("post", "/api/v1/projects/{there}/submissions", LAYOUT | {"platform": "{name}"}, "xen-none"),
    "a platform, seen first": ("post", "/api/v1/projects/{there}/preview", LAYOUT | {"platform": "{name}"}, "xen-none"),
    "a platform of guests": ("get", "/api/v1/projects/{there}/guests", {"platform": "{name}"}, "xen-none"),
    "a platform of classes": ("get", "/api/v1/projects/{there}/guest-classes", {"platform": "{name}"}, "xen-none"),
    "a finding": (
        "post",
        "/api/v1/submissions/{other}/waivers",
        {"fingerprint": "{name}", "reason": "Known", "expires_on": "2030-01-01"},
        "0" * 64,
    ),
    "a finding of a thread": (
        "post",
        "/api/v1/submissions/{other}/threads",
        {"body": "Hm", "anchor": "finding", "key": "{name}"},
        "0" * 64,
    ),
    "a guest of a thread": (
        "post",
        "/api/v1/submissions/{other}/threads",
        {"body": "Hm", "anchor": "guest", "key": "{name}"},
        "nobody",
    ),
    "a submission to compare": ("get", "/api/v1/compare", {"a": "s{other}", "b": "s{name}"}, "999999"),
    "a revision to compare": ("get", "/api/v1/compare", {"a": "s{other}", "b": "s{name}r1"}, "999999"),
    "a run to compare": ("get", "/api/v1/compare", {"a": "s{other}", "b": "run{name}"}, "999999"),
    "a submission to compare on a page": ("get", "/compare/", {"a": "s{other}", "b": "s{name}"}, "999999"),
    "an object of the journal": ("get", "/api/v1/projects/{there}/audit", {"object": "submission:{name}"}, "999999"),
    "an invitation": ("post", "/p/{there}/settings/invitations/revoke/", {"id": "{name}"}, "999999"),
    "a token": ("post", "/p/{there}/settings/tokens/revoke/", {"key": "{name}"}, "00000000"),
    "a member": ("post", "/p/{there}/settings/members/remove/", {"name": "{name}"}, "nobody"),
    "a person": ("post", "/p/{there}/settings/members/role/", {"name": "{name}", "role": "viewer"}, "nobody"),
    "a person by REST": ("put", "/api/v1/projects/{there}/members/{name}", {"role": "viewer"}, "nobody"),
}


def hidden(world: World, what: str) -> str:
    """The name of the thing in the project that must stay hidden."""
    target = world.risky["SO"].words()
    names = {
        "platform": world.common["platform"],
        "finding": target["finding"],
        "guest": "dom0",
        "submission": target["submission"],
        "revision": target["submission"],
        "run": target["run"],
        "object": target["submission"],
        "invitation": world.common["invitation"],
        "token": world.common["key"],
        "member": world.common["spare"],
        "person": world.common["spare"],
    }
    return names[what.removeprefix("an ").removeprefix("a ").split()[0].rstrip(",")]


@pytest.mark.parametrize("what", NAMED)
def test_what_is_hidden_is_answered_as_what_is_not_there(world: World, what: str) -> None:
    method, address, sent, unknown = NAMED[what]
    neighbour = make.make_member(world.elsewhere, make.Role.MAINTAINER)
    client = Client()
    with undone():
        client.force_login(neighbour.user)  # type: ignore[arg-type]
        name, before = hidden(world, what), digest_of_everything()
        known = answered(client, world, method, address, sent, name)
        nothing = answered(client, world, method, address, sent, unknown)
        assert known == nothing
        assert not [secret for secret in SECRETS if secret in known[1]]
        assert digest_of_everything() == before


def answered(client: Client, world: World, method: str, address: str, sent: Any, name: str) -> tuple[int, str]:
    """Status and text, without the name itself, the id of the request and what a form was given against forgery."""
    words = {"there": world.elsewhere.slug, "other": world.other, "name": name}
    sent = {key: value.format_map(words) if isinstance(value, str) else value for key, value in sent.items()}
    address = address.format_map(words)
    is_json = address.startswith("/api/") and method != "get"
    body = {"data": json.dumps(sent), "content_type": "application/json"} if is_json else {"data": sent}
    answer = getattr(client, method)(address, **body)
    text = text_of(answer).replace(f" {name}," if name.isdigit() else name, " NAME,")
    if answer["Content-Type"] == "application/problem+json":
        return answer.status_code, json.dumps(json.loads(text) | {"request_id": ""})
    return answer.status_code, re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text)


def test_a_kept_file_of_another_project_is_gone(world: World) -> None:
    """A draft's token says for whom and where it was kept; its bytes come back to nobody else."""
    with undone():
        keeper = world.by("TP")  # maintainer in both
        [draft] = drafts.keep((Upload("config", "a.config", b"CONFIG_X86_PAT=y\n"),), world.project, by=keeper)
        assert drafts.uploads_of([draft.token], world.project, by=keeper)[0]
        for project, by in ((world.elsewhere, keeper), (world.project, world.by("M")), (world.project, world.by("OU"))):
            assert drafts.uploads_of([draft.token], project, by=by)[0] == ()
