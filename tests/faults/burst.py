"""Clients that submit layouts over REST, and what each was answered."""

from __future__ import annotations

import http.client
import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.faults.installation import PROJECT

CLIENTS = 8
WORDS = ("UC", "WC", "WT", "WP", "WB", "UC-")
REFUSED_FOR_NOW = (429, 503)
TRIES = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """Status of the last answer, the run it names, and the seconds until it came."""

    status: int
    run_id: int | None
    took_s: float
    text: str


def layouts(dice: random.Random, *, count: int) -> Iterator[str]:
    """Distinct layouts: a layout is a number of eight digits to the base six."""
    for number in dice.sample(range(len(WORDS) ** 8), count):
        words = []
        for _ in range(8):
            number, digit = divmod(number, len(WORDS))
            words.append(WORDS[digit])
        yield " ".join(words)


def submit_all(chosen: list[str], *, port: int, token: str) -> list[Answer]:
    """Submit every layout by CLIENTS threads at once."""
    with ThreadPoolExecutor(CLIENTS) as clients:
        return list(clients.map(lambda layout: submit(layout, port=port, token=token), chosen))


def submit(layout: str, *, port: int, token: str) -> Answer:
    """Submit one layout; 429 and 503 are tried again as they ask, any other answer is final."""
    body = json.dumps({"kind": "layout", "title": f"faults {layout}", "platform": "xen-4.17", "layout": layout})
    for _ in range(TRIES):
        began_s = time.monotonic()
        status, retry_after, text = _post(body, port=port, token=token)
        took_s = time.monotonic() - began_s
        if status not in REFUSED_FOR_NOW:
            break
        time.sleep(min(float(retry_after or 1), 10))
    run_id = json.loads(text)["run"]["id"] if status == 202 else None
    return Answer(status=status, run_id=run_id, took_s=took_s, text=text[:200])


def _post(body: str, *, port: int, token: str) -> tuple[int, str | None, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    try:
        connection.request("POST", f"/api/v1/projects/{PROJECT}/submissions", body, headers)
        response = connection.getresponse()
        return response.status, response.getheader("Retry-After"), response.read().decode()
    except (OSError, http.client.HTTPException) as error:
        return 0, None, repr(error)
    finally:
        connection.close()
