"""The hint to the dispatcher: it arrives, and nobody minds when it does not."""

import threading
from contextlib import closing

import pytest
from django.db import connection, transaction

from patreview.analyses import dispatch, wake

LONG_S, SHORT_S = 60, 0.05


@pytest.fixture
def datagrams(settings, tmp_path):
    settings.WAKE_SOCKET = str(tmp_path / "run" / "dispatch.sock")
    with closing(wake.DatagramListener()) as listener:
        yield listener


def test_a_datagram_wakes_the_dispatcher(datagrams):
    for _ in range(3):
        wake._send_datagram()
    assert datagrams.wait(LONG_S)
    assert not datagrams.wait(SHORT_S), "all that had come were taken together"


def test_nobody_minds_an_absent_dispatcher(settings, tmp_path):
    settings.WAKE_SOCKET = str(tmp_path / "nobody.sock")
    wake._send_datagram()


def test_a_new_dispatcher_takes_the_name_over(datagrams):
    with closing(wake.DatagramListener()) as second:
        wake._send_datagram()
        assert second.wait(LONG_S)


@pytest.mark.django_db(transaction=True)
def test_a_commit_announces(settings, tmp_path):
    settings.WAKE_SOCKET = str(tmp_path / "dispatch.sock")

    def commit():
        with transaction.atomic():
            wake.announce()
        connection.close()

    thread = threading.Thread(target=commit)
    with closing(wake.listener()) as listener:
        listener.wait(SHORT_S)
        thread.start()
        assert listener.wait(LONG_S)
    thread.join()


@pytest.mark.django_db(transaction=True)
def test_the_loop_waits_out_a_fault_of_the_database(settings, tmp_path, monkeypatch):
    from django.db import OperationalError

    settings.WAKE_SOCKET = str(tmp_path / "dispatch.sock")
    rounds = []

    def tick():
        rounds.append(1)
        if len(rounds) == 1:
            raise OperationalError
        return True

    monkeypatch.setattr(dispatch, "tick", tick)
    monkeypatch.setattr(dispatch.time, "sleep", lambda seconds: None)
    dispatch.run_forever(lambda: len(rounds) >= 3)
    assert len(rounds) == 3
