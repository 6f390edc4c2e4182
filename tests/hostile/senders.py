"""Files sent over HTTP as a pipeline sends them, each as a submission of its own, and what was answered."""

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import uuid4

from tests.faults.installation import PROJECT
from tests.hostile.texts import hostile_texts
from tests.make_images import bombs, hostile_boot_images, hostile_elfs

SENDERS = 3
WAIT_S = 30
RUN_LIMIT_S = 90.0
#: What is asked to come back later is sent again as often.
_TRIES = 20
_FOR_NOW = (429, 503)
AUTO = "file"
STATED = {"name": "k", "family": "linux", "release": "6.12.117", "mode": "pv", "role": "dom0", "devices": True}


class Sending(NamedTuple):
    """A file, and the part of the body that says its role: `file` where it is to be found by the content."""

    part: str
    name: str
    body: bytes


class Answer(NamedTuple):
    """The status of the submission, its body, and how its run ended: `completed` with a report."""

    sending: Sending
    status: int
    media_type: str
    body: dict[str, Any]
    state: str
    report: dict[str, Any]


def hostile_set() -> list[Sending]:
    """Bombs, images that lie and texts that mean harm, with their role and, of every third image, without."""
    boots = [harm for harm in hostile_boot_images() if "/16" not in harm.name or "at 9/16" in harm.name]
    images = [(harm.name, harm.body) for harm in (*bombs(), *hostile_elfs(), *boots)]
    texts = [*hostile_texts()]
    return [
        *(Sending("image", name, body) for name, body in images),
        *(Sending("xen-image", name, body) for name, body in images[::4]),
        *(Sending(AUTO, name, body) for name, body in images[::3]),
        *(Sending(text.role, text.name, text.body) for text in texts),
        *(Sending(AUTO, text.name, text.body) for text in texts[::2]),
    ]


def send_all(sendings: list[Sending], *, port: int, token: str) -> list[Answer]:
    """Send all of them, a few at once, and wait for every run."""
    with ThreadPoolExecutor(SENDERS) as senders:
        return list(senders.map(lambda sending: _send(sending, port=port, token=token), sendings))


def _send(sending: Sending, *, port: int, token: str) -> Answer:
    status, media_type, body = _submit(sending, port=port, token=token)
    state, report = "", {}
    if status in (200, 202):
        state = _wait(body["run"]["id"], port=port, token=token)
        if state == "completed":
            _, _, report = _call("GET", f"/api/v1/runs/{body['run']['id']}/report", port=port, token=token)
    return Answer(sending, status, media_type, body, state, report)


def _submit(sending: Sending, *, port: int, token: str) -> tuple[int, str, dict[str, Any]]:
    boundary = uuid4().hex
    submission = {"kind": "guest", "title": f"hostile {uuid4().hex[:8]}", "guest": STATED}
    name = sending.name.replace('"', "'").encode("ascii", "replace").decode()
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="submission"\r\n\r\n{json.dumps(submission)}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="{sending.part}"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = head.encode() + sending.body + f"\r\n--{boundary}--\r\n".encode()
    kind = f"multipart/form-data; boundary={boundary}"
    path = f"/api/v1/projects/{PROJECT}/submissions"
    for _ in range(_TRIES):
        answer = _call("POST", path, body=body, kind=kind, port=port, token=token)
        if answer[0] not in _FOR_NOW:
            break
        time.sleep(1)
    return answer


def _wait(run_id: int, *, port: int, token: str) -> str:
    until = time.monotonic() + RUN_LIMIT_S
    while True:
        path = f"/api/v1/runs/{run_id}?{urlencode({'wait': WAIT_S})}"
        state = str(_call("GET", path, port=port, token=token)[2].get("state"))
        if state not in ("queued", "running") or time.monotonic() > until:
            return state


def _call(
    method: str, path: str, *, port: int, token: str, body: bytes = b"", kind: str = "application/json"
) -> tuple[int, str, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
        connection.request(method, path, body=body or None, headers=headers)
        answer = connection.getresponse()
        text = answer.read()
        media_type = answer.headers.get_content_type()
        return answer.status, media_type, json.loads(text) if media_type.endswith("json") else {}
    finally:
        connection.close()
