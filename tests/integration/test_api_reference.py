"""The reference tables in REST: the engine's data as it is, with an ETag, for whoever may call at all."""

import pytest

from patreview import engine
from tests import make

TWINS = ("memory-types", "rules", "rules/ENC010", "guest-kernels", "hypervisors")


def known_of(twin):
    return {
        "memory-types": engine.memory_types(),
        "rules": {"rules_digest": engine.rules_digest(), "results": engine.rules()},
        "rules/ENC010": next(rule for rule in engine.rules() if rule["id"] == "ENC010"),
        "guest-kernels": {
            "kernels": engine.known_guests(),
            "losses": engine.known_losses(),
            "drivers": engine.known_drivers(),
        },
        "hypervisors": engine.known_hypervisors(),
    }[twin]


@pytest.fixture
def api(team, client):
    token = make.make_token(team.project)

    def get(path, **headers):
        return client.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {token}"} | headers)

    return get


@pytest.mark.parametrize("twin", TWINS)
def test_a_twin_is_the_engines_data(api, twin):
    answer = api(twin)
    assert answer.status_code == 200
    assert answer.json() == known_of(twin)
    assert api(twin, **{"If-None-Match": answer["ETag"]}).status_code == 304
    assert api(twin, **{"If-None-Match": f'"another", W/{answer["ETag"]}'}).status_code == 304
    assert api(twin, **{"If-None-Match": "*"}).status_code == 304
    assert api(twin, **{"If-None-Match": '"another"'}).status_code == 200
    assert api(f"{twin}?vendor=amd").status_code == 400


@pytest.mark.parametrize("twin", TWINS)
def test_a_twin_wants_to_know_who_asks(client, db, twin):
    answer = client.get(f"/api/v1/{twin}")
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")


def test_there_is_no_such_rule(api):
    answer = api("rules/ENC999")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["code"] == "not_found"
    assert "ENC999" in answer.json()["detail"]
