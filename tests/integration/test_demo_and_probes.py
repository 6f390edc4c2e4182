"""The demo's reports say what the field learnt; the probes say what is missing."""

import socket
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from patreview import probes
from patreview.analyses.checks import check_run_times
from patreview.analyses.models import Run
from patreview.analyses.queries import report_of
from patreview.submissions.models import Submission
from tests import make
from tests.following import assert_can_be_followed


@pytest.fixture
def demo(db):
    out = StringIO()
    call_command("demo", stdout=out)
    assert "patreview-demo" in out.getvalue()
    for run in Run.objects.all():
        make.execute(run)
    reports = {run.revision.submission.project.slug: report_of(run) for run in Run.objects.all()}
    assert all(run.state == "completed" for run in Run.objects.all())
    return reports


def found(report, rule, guest=None):
    hits = [f for f in report["findings"] if f["rule"] == rule and (guest is None or guest in f["guests"])]
    assert hits, f"{rule} for {guest}"
    return hits


def row(report, guest):
    return next(c for c in report["classes"] if guest in c["members"])


def test_loading_twice_adds_nothing(demo):
    before = (Submission.objects.count(), Run.objects.count())
    call_command("demo", stdout=StringIO())
    assert (Submission.objects.count(), Run.objects.count()) == before == (2, 2)


def test_the_demo_is_refused_where_it_was_not_asked_for(db, settings):
    settings.PATREVIEW_DEMO = False
    with pytest.raises(CommandError, match="public"):
        call_command("demo", stdout=StringIO())
    assert not Submission.objects.exists()


def test_the_report_of_2010(demo):
    report = demo["xen-devel-2010"]
    assert report["verdict"] == "conditional"
    findings = {f["subject"]: f for f in found(report, "ENC010")}
    assert {subject: (f["entry"], f["verdict"]) for subject, f in findings.items()} == {
        "WC on ram": (1, "conditional"),
        "WC on mmio": (1, "degraded"),
    }
    outcomes = {(o["mtrr"], o["in_force"], o["verdict"]) for f in findings.values() for o in f["outcomes"]}
    assert outcomes == {("UC", "UC", "degraded"), ("WC", "UC", "degraded"), ("WB", "WT", "conditional")}
    assert "snoop" in findings["WC on ram"]["assumption"]
    assert not [f for f in report["findings"] if f["rule"] == "ENC010" and f["wanted"] in {"UC", "UC-"}]
    [advice] = found(report, "ENC030")
    said = " ".join((advice["title"], advice["message"], *advice["fixes"]))
    assert "PA4" in said
    assert "2.6.36" in said


def test_the_report_of_the_desktop(demo):
    report = demo["desktop-dom0"]
    assert report["verdict"] == "incompatible"
    assert row(report, "web")["after"] == "compatible"
    dom0 = row(report, "dom0")
    moves = {w["type"]: (w["before"]["index"], w["after"]["index"]) for w in dom0["wants"]}
    assert (moves["WC"], moves["WT"]) == ((4, 1), (1, 7))
    assert (dom0["after"], dom0["resumed"]) == ("compatible", None)
    cad = row(report, "cad-passthrough")
    assert (cad["after"], cad["resumed"]) == ("compatible", "incompatible")
    assert found(report, "MIG010", "cad-passthrough")[0]["verdict"] == "incompatible"
    gpu = row(report, "sys-gpu")
    assert (gpu["before"], gpu["change"]) == ("incompatible", "fixed")
    assert any(f["state"] == "fixed" for f in found(report, "ENC020", "sys-gpu"))
    suse = {f["subject"]: f["in_force"] for f in found(report, "ENC010", "sles11-net")}
    assert row(report, "sles11-net")["after"] == "incompatible"
    assert (suse["WC on ram"], suse["WT on ram"]) == ("WB", "WC")
    for rule in ("XEN010", "XEN020", "XEN030"):
        found(report, rule)


def test_every_finding_of_both_reports_can_be_followed_to_its_sources(demo):
    assert set(demo) == {"xen-devel-2010", "desktop-dom0"}
    for report in demo.values():
        assert report["findings"]
        assert_can_be_followed(report)


def test_healthz(client):
    assert client.get("/healthz").json() == {"status": "ok"}


def test_readyz_when_all_is_there(client, db, monkeypatch):
    monkeypatch.setattr(probes, "_broker_state", lambda: "ok")
    for _ in range(2):
        assert (client.get("/readyz").status_code, client.get("/readyz").json()["status"]) == (200, "ok")


def test_readyz_degrades_without_a_broker(client, db, settings):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.REDIS_URL = f"redis://127.0.0.1:{closed.getsockname()[1]}/0"
        probes._broker.cache_clear()
        answer = client.get("/readyz")
    probes._broker.cache_clear()
    assert (answer.status_code, answer.json()) == (200, {"status": "degraded", "broker": "down"})


def test_readyz_without_a_database(client, db, monkeypatch):
    def fail():
        raise OperationalError

    monkeypatch.setattr(probes, "_open_migrations", fail)
    monkeypatch.setattr(connection, "close", lambda: None)
    assert client.get("/readyz").status_code == 503


def test_readyz_with_open_migrations(client, db, monkeypatch):
    monkeypatch.setattr(probes, "_open_migrations", lambda: True)
    assert client.get("/readyz").json()["migrations"] == "not applied"


@pytest.mark.parametrize(
    ("soft", "hard", "lease", "errors"), [(30, 40, 60, 0), (40, 40, 60, 1), (30, 60, 60, 1), (0, 1, 2, 1)]
)
def test_run_times_out_of_order_are_refused(settings, soft, hard, lease, errors):
    settings.RUN_SOFT_LIMIT_S, settings.RUN_HARD_LIMIT_S, settings.RUN_LEASE_S = soft, hard, lease
    assert len(check_run_times(None)) == errors
