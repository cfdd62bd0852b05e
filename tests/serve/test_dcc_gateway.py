"""Requests at the DCC's gateway: read apart, answered together, at three web services."""

import pickle
import re
from functools import cache
from itertools import count

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from tests.dcc.samples import (
    ACB,
    DEVICE_ID,
    HUB_ID,
    NEW,
    NOW_MS,
    SUPPLIER,
    device,
    hub,
    image,
)
from tests.serve.a_dcc import (
    HCALCS,
    HUB,
    PKI,
    PPMID,
    ADcc,
    activation,
    ppmid_file,
    signed,
    signed_image,
    update_firmware,
    update_ppmid,
)
from tests.vectors import require_vectors
from tests.wire.duis_referees import schema_faults

from hanota.dcc.services import LOCAL_DELIVERY, SERVICES
from hanota.errors import RemoteError
from hanota.model import DeviceType, Milestone, Outcome, RequestID
from hanota.serve.dcc_reading import read_request
from hanota.smki.organisations import NETWORK_OPERATOR, SUPPLIER_2
from hanota.wire import wan
from hanota.wire.codes import DuisFault, ResponseCode
from hanota.wire.duis import messages
from hanota.wire.duis.document import open_document
from hanota.wire.duis.services import (
    SERVICE_REFERENCE_VARIANTS,
    WEB_SERVICES,
    WebService,
    reference_of_variant,
)
from hanota.wire.duis.values import ReadFirmwareVersion, ReadInventory
from hanota.wire.gbcs.message import decode
from hanota.wire.image import encode_image

LATER_MS = NOW_MS + 10_000
COUNTERS = count(5_000)
XS = "{http://www.w3.org/2001/XMLSchema}"


def read(octets, *, signature_check=True, at=None):
    """What another process has read of a request."""
    found = read_request(octets, PKI, NOW_MS, signature_check=signature_check, at=at)
    return pickle.loads(pickle.dumps(found))


def code_of(answer: bytes) -> str:
    return messages.decode_response(open_document(answer)).response_code


def unsigned(request) -> bytes:
    return messages.encode_request(request)


def under(counter, request=None):
    request = update_ppmid() if request is None else request
    originator, target, _ = msgspec.structs.astuple(request.request_id)
    return msgspec.structs.replace(request, request_id=RequestID(originator, target, counter))


# --- Read apart ---


def test_what_is_read_keeps_all_that_is_decided_on():
    request = update_ppmid()
    found = read(signed(request))
    assert found.request == request
    assert found.header.request_id == request.request_id


@pytest.mark.parametrize(
    ("octets", "code", "has_header"),
    [
        (b"no XML", DuisFault.NOT_DUIS, False),
        (messages.encode_request(update_ppmid()), ResponseCode.E48, True),
        (signed(update_ppmid()).replace(b">8<", b">0<"), ResponseCode.E48, True),
    ],
)
def test_a_fault_survives_the_way_between_processes(octets, code, has_header):
    found = read(octets)
    match found.request:
        case RemoteError() as fault:
            assert fault.code is code
            assert fault.reason == str(fault) != ""
        case other:
            pytest.fail(f"it was read: {other}")
    assert (found.header is not None) is has_header


@given(st.binary(max_size=300))
def test_no_octets_raise(octets):
    assert isinstance(read(octets).request, RemoteError)


def test_answers_to_read_requests_are_those_of_single_ones():
    requests = [under(1), under(2, update_firmware()), under(3, update_ppmid(command_variant=1))]
    apart, together = ADcc(), ADcc()
    single = [apart.shell.answer(signed(request), NOW_MS) for request in requests]
    assert together.shell.answer_read([read(signed(one)) for one in requests], NOW_MS) == single
    assert together.everything() == apart.everything()


# --- Answered together ---


def test_one_request_id_twice_in_a_group_is_as_one_after_the_other():
    dcc = ADcc()
    octets = signed(update_ppmid())
    other = signed(update_ppmid(firmware_version="1"))
    first, again, reused = dcc.shell.answer_read([read(octets), read(octets), read(other)], NOW_MS)
    assert first == again
    assert (code_of(first), code_of(reused)) == ("I0", "E48")
    assert len(dcc.shell.outgoing_wan(10)) == 1


def test_bad_requests_do_not_spoil_the_others():
    dcc = ADcc()
    group = [b"no XML", unsigned(under(1)), signed(under(2)), signed(under(3)), b""]
    first, second, third, fourth, last = dcc.shell.answer_read(list(map(read, group)), NOW_MS)
    assert [fault.code for fault in (first, last)] == [DuisFault.NOT_DUIS] * 2
    assert [code_of(answer) for answer in (second, third, fourth)] == ["E48", "I0", "E110405"]
    assert dcc.state() == Milestone.ACCEPTED
    assert dcc.ledger.verify() == []


def test_what_cannot_be_served_leaves_nothing_behind_and_the_others_go_on():
    # The schema has no room for such a model, so no answer to 8.2 can be written.
    odd = device(DeviceType.PPMID, device_id=7, hub_id=8, model="M" * 31)
    dcc = ADcc(HUB, PPMID, odd, hub(device_id=8, hub_id=8))
    asked = inventory_request(7)
    group = [signed(under(1)), signed(asked), signed(under(2, inventory_request(DEVICE_ID)))]
    answers = dcc.shell.answer_read(list(map(read, group)), NOW_MS)
    assert [code_of(answer) for answer in answers] == ["I0", "E100", "I0"]
    assert schema_faults(answers[1]) == []
    with dcc.ledger.view() as view:
        assert view.requests_under(asked.request_id) == []
    assert dcc.ledger.verify() == []


def inventory_request(device_id):
    request = update_ppmid(body=ReadInventory(device_id))
    return msgspec.structs.replace(
        request, service_reference="8.2", service_reference_variant="8.2"
    )


def test_no_request_no_answer():
    dcc = ADcc()
    before = dcc.everything()
    assert dcc.shell.answer_read([], NOW_MS) == []
    assert dcc.everything() == before


# --- Web services ---


@pytest.mark.parametrize("at", WebService)
def test_a_request_at_the_wrong_service_is_refused_and_may_go_to_the_right_one(at):
    dcc = ADcc()
    octets = signed(update_ppmid())
    answer = dcc.shell.answer(octets, NOW_MS, at)
    assert code_of(answer) == ("I0" if at is WebService.NON_DEVICE else "E11")
    assert schema_faults(answer) == []
    assert code_of(dcc.shell.answer(octets, LATER_MS, WebService.NON_DEVICE)) == "I0"


def test_the_paths_are_those_of_the_client_tools():
    paths = {variant: WEB_SERVICES[variant].path for variant in (1, 4, 8)}
    assert paths == {1: "/api/v1/serviceS", 4: "/api/v1/serviceT", 8: "/api/v1/serviceD"}
    assert len({service.path for service in WebService}) == 3


# --- Without a signature check ---


def test_without_a_check_whoever_is_named_is_believed():
    dcc = ADcc(signature_check=False)
    assert code_of(dcc.shell.answer(unsigned(update_ppmid()), NOW_MS)) == "I0"
    tampered = signed(update_ppmid()).replace(b":1000<", b":1001<")
    assert code_of(dcc.shell.answer(tampered, NOW_MS)) == "E110405"


# --- Every service of the schema ---


@cache
def schema():
    return etree.parse(require_vectors() / "xsd" / "DUIS Schema V5.4.xsd")


def words(simple_type: str) -> list[str]:
    path = f"//{XS}simpleType[@name='{simple_type}']//{XS}enumeration"
    return [word.get("value") for word in schema().getroot().findall(f".{path}")]


def bodies() -> list[str]:
    (request,) = schema().getroot().findall(f"./{XS}complexType[@name='Request']")
    (body,) = request.findall(f".//{XS}element[@name='Body']")
    return [element.get("name") for element in body.findall(f"./{XS}complexType/{XS}choice/*")]


def any_request(variant: str, body: str, command_variant: int = 1, reference=None) -> bytes:
    """A request that has no place in hanota's own tables, each time with another RequestID."""
    request = under(next(COUNTERS), update_ppmid(command_variant=command_variant))
    octets = unsigned(request).decode()
    reference = reference_of_variant(variant) if reference is None else reference
    for name, value in (("ServiceReferenceVariant", variant), ("ServiceReference", reference)):
        octets = re.sub(f"<sr:{name}>[0-9.]*", f"<sr:{name}>{value}", octets)
    return re.sub("<sr:Body>.*</sr:Body>", f"<sr:Body><sr:{body}/></sr:Body>", octets).encode()


@pytest.mark.oracle
def test_hanota_knows_the_services_of_the_official_schema():
    assert set(words("ServiceReferenceVariant")) == SERVICE_REFERENCE_VARIANTS
    assert len(bodies()) > 100


@pytest.mark.oracle
def test_every_other_service_gets_a_well_formed_refusal():
    dcc = ADcc(signature_check=False)
    for variant in words("ServiceReferenceVariant"):
        answer = dcc.shell.answer(any_request(variant, "SetClock"), NOW_MS)
        assert schema_faults(answer) == []
        told = messages.decode_response(open_document(answer))
        known = reference_of_variant(variant) in SERVICES
        assert told.response_code in ({"E11", "E100"} if known else {"E12"})
        assert told.body.service_reference == reference_of_variant(variant)
        assert told.body.service_reference_variant == variant
    assert dcc.shell.outgoing_wan(1) == dcc.shell.outgoing_push(NOW_MS + 86_400_000, 1) == []


@pytest.mark.oracle
def test_every_body_of_the_schema_gets_a_coded_answer():
    dcc = ADcc(signature_check=False)
    for body in bodies():
        for variant, command_variant in (("6.5", 1), ("11.2", 1), ("11.4", 8), ("8.2", 8)):
            answer = dcc.shell.answer(any_request(variant, body, command_variant), NOW_MS)
            assert schema_faults(answer) == []
            assert code_of(answer) in {"E11", "E12", "E19", "E100", "E110101", "E110401"}


@pytest.mark.oracle
def test_every_pair_of_reference_and_variant_gets_an_answer():
    dcc = ADcc(signature_check=False)
    variants = words("ServiceReferenceVariant")
    for reference in words("ServiceReference"):
        for variant in variants[::7]:
            answer = dcc.shell.answer(any_request(variant, "SetClock", 1, reference), NOW_MS)
            assert schema_faults(answer) == []
            assert code_of(answer) in {"E11", "E12", "E13", "E100"}


@pytest.mark.parametrize("command_variant", sorted(LOCAL_DELIVERY))
@pytest.mark.parametrize("reference", SERVICES)
def test_commands_for_local_delivery_are_refused(reference, command_variant):
    dcc = ADcc()
    request = update_ppmid(
        body=ReadFirmwareVersion() if reference == "11.2" else update_ppmid().body,
        command_variant=command_variant,
    )
    request = msgspec.structs.replace(
        request,
        service_reference="11.2" if reference == "11.2" else "11.4",
        service_reference_variant="11.2" if reference == "11.2" else "11.4",
    )
    at = WEB_SERVICES[command_variant]
    answer = dcc.shell.answer(signed(request), NOW_MS, at)
    assert (code_of(answer), schema_faults(answer)) == ("E11", [])


@pytest.mark.parametrize("key", ["<sr:UPRN>1</sr:UPRN>", "<sr:MPxN>1</sr:MPxN>"])
def test_an_inventory_without_premises_finds_nobody_by_them(key):
    dcc = ADcc(signature_check=False)
    octets = unsigned(inventory_request(DEVICE_ID)).decode()
    octets = re.sub("<sr:DeviceID>.*</sr:DeviceID>", key, octets).encode()
    assert schema_faults(octets) == []
    assert code_of(dcc.shell.answer(octets, NOW_MS)) == "E19"


# --- Which devices are read by the ACB ---


@pytest.mark.parametrize("brokered", [True, False])
def test_the_types_whose_read_the_acb_originates_are_an_argument(brokered):
    esme = device(DeviceType.ESME, device_id=9)
    options = {"brokered_types": frozenset({DeviceType.ESME})} if brokered else {}
    dcc = ADcc(HUB, esme, **options)
    request = update_ppmid(
        body=ReadFirmwareVersion(), command_variant=1, request_id=RequestID(SUPPLIER, 9, 77)
    )
    request = msgspec.structs.replace(
        request, service_reference="11.2", service_reference_variant="11.2"
    )
    assert dcc.ask(request).response_code == "I99"
    (sent,) = dcc.shell.outgoing_wan(10)
    message = decode(wan.decode(sent.body).gbcs)
    if brokered:
        assert (message.originator, message.supplementary_party) == (ACB, SUPPLIER)
        assert message.supplementary_counter == 77
    else:
        assert (message.originator, message.counter) == (SUPPLIER, 77)


# --- The list on which every image has its place ---


OTHER = {"manufacturer_image": b"unheard of", "file_version": 0x77}


def a_dcc_that_takes_every_image(*devices):
    dcc = ADcc(*devices)
    dcc.shell.load_products(())
    dcc.shell.take_every_image()
    return dcc


def test_every_well_formed_image_is_taken():
    second = device(DeviceType.PPMID, device_id=2, model="Another", hardware_version=0x1234)
    dcc = a_dcc_that_takes_every_image(HUB, PPMID, HCALCS, second)
    request = update_ppmid(image=ppmid_file(**OTHER), device_ids=(DEVICE_ID, 2))
    assert dcc.ask(request).response_code == "I0"
    assert dcc.ask(under(2, update_firmware(image=signed_image(**OTHER)))).response_code == "I0"


def test_what_was_taken_is_known_after_a_restart():
    dcc = a_dcc_that_takes_every_image()
    assert dcc.ask(update_ppmid(image=ppmid_file(**OTHER))).response_code == "I0"
    dcc.restart()
    dcc.receive(activation(version=0x77))
    assert dcc.state() == Outcome.UPDATED
    answer = dcc.ask(under(2, inventory_request(DEVICE_ID)))
    (found,) = [row for row in answer.body.content.devices if row.device_id == DEVICE_ID]
    assert (found.device_firmware_version, found.cpl_status) == ("00000077", "Active")
    # The list itself is a real one again, and has what it learned.
    assert dcc.ask(under(3, update_ppmid(image=ppmid_file(**OTHER)))).response_code == "I0"
    assert dcc.ask(under(4, update_ppmid(image=ppmid_file(file_version=9)))).response_code != "I0"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (update_ppmid(image=b"\x00" + ppmid_file()[1:]), "E110401"),
        (update_ppmid(image=ppmid_file(image_type=0x0002)), "E110403"),
        (update_ppmid(image=ppmid_file(image_type=0x7777)), "E110402"),
        (update_firmware(image=signed_image(SUPPLIER_2)), "E110103"),
        (update_firmware(image=encode_image(image(DeviceType.HCALCS))), "E110103"),
        (update_ppmid(device_ids=(HCALCS.device_id, HUB_ID, 9)), "E110405"),
        (update_ppmid(request_id=RequestID(NETWORK_OPERATOR, ACB, 1)), "E1"),
    ],
)
def test_the_other_checks_remain(request_, code):
    assert a_dcc_that_takes_every_image().ask(request_).response_code == code


def test_the_products_list_survives_a_restart():
    dcc = ADcc()
    dcc.restart()
    assert dcc.ask(update_ppmid()).response_code == "I0"
    dcc.shell.load_products(())
    dcc.restart()
    assert dcc.ask(under(2)).response_code == "E110402"


def test_an_update_in_the_journal_is_of_the_version_in_the_header():
    dcc = ADcc()
    dcc.ask(update_ppmid())
    assert dcc.delivery().version == NEW
