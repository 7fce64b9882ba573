"""Any one host is stopped in order or killed, with calls that stand and calls that are being set up, and comes back:
what is lost, what is not, and that calls pass again. docs/operations.md has the table; bench/restart measures it."""
import json
import signal

import pytest
from restarts import CALLEES, IN, OUT, PATIENCE, Restarts
from support import wait_until

NODES = ("cucm", "vcsc", "vcse", "sfvedge")
HISTORIES = ("vcsc", "vcse")  # who keeps one
LOST = {"cms": (OUT, IN), "phone": (IN,), "stejanss": (OUT,)}  # calls that end in the host, or have it in the middle


@pytest.fixture
def lab(fedge, tmp_path):
    return Restarts(fedge, tmp_path / "lab")


def in_history(lab, calls):
    """True where every search of these calls stands in the histories with its answer."""
    for name in HISTORIES:
        entries = lab.history(name)
        for call in calls:
            found = [entries[i]["status"] for i in lab.call_ids(call) if i in entries]
            if not found or set(found) != {200}:
                return False
    return True


def end_by_caller(call, expected):
    call.hang_up()
    told = call.told()
    assert told["ended_by"] == "us" and call.statuses("BYE")[-1] == expected, (call.direction, call.statuses("BYE"))


def end_by_callees(lab, calls):
    """The callees stop, and say goodbye to whom they talk to."""
    for callee in {CALLEES[call.direction] for call in calls}:
        lab.end(callee, signal.SIGTERM)
    for call in calls:
        assert call.told()["ended_by"] == "peer", call.direction


def drill(lab, host, number):
    lab.pass_again_now(OUT, IN)
    standing = lab.stand(OUT, OUT, IN, IN)
    wait_until(lambda: in_history(lab, standing), PATIENCE, "the calls are in the search histories")
    in_order = number == signal.SIGTERM
    ringing = [lab.ring(OUT), lab.ring(IN)] if host not in CALLEES.values() else []
    before = lab.pid(host)
    instant = lab.end(host, number)
    lab.came_back(host, before)
    if host == "cucm":  # the phone, which is frozen, is registered all the same
        wait_until(lambda: lab.ask("cucm", "status"), PATIENCE, "cucm answers")
        assert lab.ask("cucm", "status")[0]["registrations"]["count"] == 1
    lab.wake()
    lab.pass_again(instant, OUT, IN)

    assert in_history(lab, standing), "nothing of what has ended is lost"
    for call in ringing:
        told = call.told()
        refused = told["outcome"] == "refused" and told["status"] in (480, 487, 500, 503, 504)
        # Whose own connection is gone hears nothing, and knows why.
        assert refused or not in_order and (told["failed"], told["status"]) == ("lost", 0), json.dumps(told)
    lost = [call for call in standing if call.direction in LOST.get(host, ())]
    kept = [call for call in standing if call not in lost]
    if in_order:
        for call in lost:  # it said goodbye
            assert call.told()["ended_by"] == "peer"
    else:
        for call in lost:  # whoever speaks next learns it; behind a meeting server only that one
            end_by_caller(call, 481 if host == "cms" else 200)
    for call in kept:
        assert call.refresh() == 200, (call.direction, "in the middle of the call")
    for call in kept[::2]:
        end_by_caller(call, 200)
    end_by_callees(lab, kept[1::2])


@pytest.mark.parametrize("host", [*NODES, "cms", "phone", "stejanss"])
def test_a_host_ends_and_comes_back(lab, host):
    for number in (signal.SIGTERM, signal.SIGKILL):
        drill(lab, host, number)
