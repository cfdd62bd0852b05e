"""N64 at the supplier: the hub's version, and the 8.2 that says what it can do now."""

import pytest
from tests.dcc.samples import ACB, HUB_ID, NEW, NOW_MS, OLD, SUPPLIER, hub
from tests.serve.a_supplier import ASupplier, alert, answer, request_of, signed
from tests.serve.test_supplier_shell import FORGERS

from hanota.model import DeviceType
from hanota.smki.dsig import signer_of_request
from hanota.wire.duis import open_document
from hanota.wire.duis import values as v

VERSION = f"{NEW:08X}"
UNKNOWN_HUB = HUB_ID + 0x1000


@pytest.fixture
def supplier():
    return ASupplier().has_estate(hub(gbcs_version="2.1"))


def activation(hub_id=HUB_ID, version=VERSION, at_ms=NOW_MS):
    return alert(v.CommsHubFirmwareActivation(hub_id, version), at_ms, code="N64")


def inventory(gbcs="4.4", version=VERSION, hub_id=HUB_ID):
    return v.DSPInventory(
        (
            v.InventoryDevice(
                device_id=hub_id,
                device_type=DeviceType.CHF,
                device_manufacturer="Maker",
                device_model="Model",
                device_firmware_version=version,
                device_gbcs_version=gbcs,
            ),
        )
    )


def reply(supplier, code="I0", content=None, at_ms=NOW_MS + 2_000):
    sent = supplier.sent(at_ms)
    octets = answer(
        request_of(sent),
        code,
        None,
        body=v.ResponseMessage("8.2", "8.2", content),
    )
    supplier.shell.answered(sent, octets, at_ms)


def estate(supplier):
    with supplier.ledger.view() as view:
        row = view.devices([HUB_ID])[HUB_ID]
    return row.firmware_version, row.gbcs_version


def test_the_estate_learns_the_version_and_asks_for_the_rest(supplier):
    assert supplier.pushed(signed(activation())) == [None]
    assert estate(supplier) == (VERSION, "2.1")
    sent = supplier.sent(NOW_MS + 1_000)
    asked = request_of(sent)
    assert (sent.receiver, asked.service_reference) == (ACB, "8.2")
    assert (asked.request_id.originator, asked.request_id.target) == (SUPPLIER, ACB)
    assert asked.body == v.ReadInventory(HUB_ID)
    signer = signer_of_request(open_document(sent.body), supplier.shell._directory, NOW_MS)
    assert signer.eui == SUPPLIER
    reply(supplier, content=inventory())
    assert estate(supplier) == (VERSION, "4.4")
    assert supplier.events(HUB_ID) == ["hub-firmware-activation", "inventory-read"]
    assert supplier.events(0) == ["answer:I0"]
    assert supplier.shell.outgoing(NOW_MS + 9_000_000, 10) == []
    supplier.assert_sound()


def test_an_alert_that_comes_twice_is_asked_about_once(supplier):
    said = signed(activation())
    assert supplier.pushed(said, said) == [None, None]
    assert supplier.pushed(said, at_ms=NOW_MS + 5_000) == [None]
    assert len(supplier.shell.outgoing(NOW_MS + 9_000, 10)) == 1
    assert supplier.events(HUB_ID) == ["hub-firmware-activation"]


def test_two_alerts_of_one_hub_in_one_batch_are_asked_about_once(supplier):
    newer = activation(version="00030000", at_ms=NOW_MS + 500)
    supplier.pushed(signed(activation()), signed(newer))
    assert estate(supplier)[0] == "00030000"
    assert len(supplier.shell.outgoing(NOW_MS + 9_000, 10)) == 1


def test_a_later_version_is_asked_about_again(supplier):
    supplier.pushed(signed(activation()))
    reply(supplier, content=inventory())
    supplier.pushed(signed(activation(version="00030000")), at_ms=NOW_MS + 3_000)
    reply(supplier, content=inventory("5.0", "00030000"), at_ms=NOW_MS + 4_000)
    assert estate(supplier) == ("00030000", "5.0")


@pytest.mark.parametrize("forger", FORGERS)
def test_an_alert_that_the_dcc_did_not_sign_is_refused(supplier, forger):
    before = supplier.everything()
    (refused,) = supplier.pushed(FORGERS[forger](activation()))
    assert refused
    assert supplier.everything() == before


def test_a_hub_of_no_estate_is_journalled_and_not_asked_about(supplier):
    assert supplier.pushed(signed(activation(UNKNOWN_HUB))) == [None]
    assert supplier.events(UNKNOWN_HUB) == ["hub-firmware-activation"]
    assert supplier.shell.outgoing(NOW_MS + 9_000, 10) == []
    assert estate(supplier) == (f"{OLD:08X}", "2.1")


@pytest.mark.parametrize(
    ("code", "content"),
    [("E19", None), ("E1", None), ("I0", None), ("I0", inventory(hub_id=UNKNOWN_HUB))],
)
def test_an_answer_without_the_hub_leaves_its_gbcs_version(supplier, code, content):
    supplier.pushed(signed(activation()))
    reply(supplier, code, content)
    assert estate(supplier) == (VERSION, "2.1")
    assert supplier.shell.outgoing(NOW_MS + 9_000_000, 10) == []
    supplier.assert_sound()


def test_an_answer_that_comes_twice_counts_once(supplier):
    supplier.pushed(signed(activation()))
    sent = supplier.sent(NOW_MS + 1_000)
    first, other = (
        answer(request_of(sent), "I0", None, body=v.ResponseMessage("8.2", "8.2", listed))
        for listed in (inventory(), inventory("9.9"))
    )
    supplier.shell.answered(sent, first, NOW_MS + 2_000)
    supplier.shell.answered(sent, other, NOW_MS + 2_000)
    assert estate(supplier) == (VERSION, "4.4")
    assert supplier.events(HUB_ID) == ["hub-firmware-activation", "inventory-read"]
