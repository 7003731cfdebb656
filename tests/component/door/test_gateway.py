"""What a signed call gets back, in both dialects."""

from __future__ import annotations

from support.door import open_door


async def test_an_rpc_call_is_served() -> None:
    door = open_door()

    reply = await door.rpc("OpenGate", GateId="g-1").at(door.gateway)

    assert reply.status == 200
    assert reply.tree == {"RequestId": reply.headers["x-acs-request-id"], "GateId": "g-1", "Region": "cn-hangzhou"}
    assert door.service.opened == ["g-1"]


async def test_an_acs3_call_is_served() -> None:
    door = open_door()

    reply = await door.acs3("OpenGate", {"GateId": "g 潮*~"}, form={"Amount": "2"}).at(door.gateway)

    assert reply.tree["GateId"] == "g 潮*~"


async def test_a_runbook_calls_the_same_operation_in_process() -> None:
    door = open_door()
    caller = door.gateway.caller(door.ram.credentials["LTAITestKey00000001"].principal)

    tree = await caller.call("TIDE", "describegauges", {"GaugeId": ["a", "b"], "Verbose": True}, region="cn-beijing")

    assert [gauge["GaugeId"] for gauge in tree["Gauges"]["Gauge"]] == ["a", "b"]
