"""The published DUIS documents, and the tables against the official schema."""

import pytest
from lxml import etree
from tests.vectors import duis_vector, require_vectors
from tests.wire.duis_golden import RESPONSES
from tests.wire.duis_messages import changed, request_of, response_of

from hanota.model import LeftOutList, RequestID
from hanota.wire.codes import ResponseCode
from hanota.wire.duis import schema, services
from hanota.wire.duis import values as v
from hanota.wire.duis.elements import Choice, Field, Ignored
from hanota.wire.duis.messages import encode_request, encode_response

XS = "{http://www.w3.org/2001/XMLSchema}"

# --- The published samples ---

SAMPLES = {
    "11.1": v.UpdateFirmware,
    "11.4": v.UpdatePPMIDFirmware,
    "8.13": v.ReturnLocalCommandResponse,
    "8.2": v.ReadInventory,
    "CS06_11.3_CANCELLATION": v.ActivateFirmware,
    "CS06_11.3_FUTURE": v.ActivateFirmware,
    "CS06_11.3_IMMEDIATE": v.ActivateFirmware,
    "CS08_11.2": v.ReadFirmwareVersion,
    "ECS52_11.2_SUCCESS_REQUEST": v.ReadFirmwareVersion,
    "GCS38_11.2": v.ReadFirmwareVersion,
    "ECS52_11.2_SUCCESS_RESPONSE": v.GBCSPayload,
    "boxed-acknowledgement-error": type(None),
    "boxed-read-inventory-response-4g": v.DSPInventory,
    "boxed-read-inventory-response-5.4": v.DSPInventory,
    "boxed-readfw-response-resigned": v.GBCSPayload,
    "boxed-readfw-response.xml": v.GBCSPayload,
}


def test_every_published_document_is_among_the_samples():
    assert len(list(require_vectors().glob("duis/*"))) == len(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_published_document_is_read_and_written_again(name):
    octets = duis_vector(name)
    if b"<sr:Request " in octets:
        message = request_of(octets)
        body, again = message.body, request_of(encode_request(message))
    else:
        message = response_of(octets)
        body, again = message.body.content, response_of(encode_response(message))
    assert type(body) is SAMPLES[name]
    assert again == message


def test_the_sample_of_11_4():
    request_ = request_of(duis_vector("11.4"))
    assert request_.request_id == RequestID(0x90B3D51F30010000, 0x90B3D51F30000002, 1000)
    assert (request_.command_variant, request_.service_reference) == (8, "11.4")
    assert request_.body.firmware_image[:4] == b"\x1e\xf1\xee\x0b"
    assert len(request_.body.firmware_image) == 295
    assert request_.body.firmware_version == "00000000"
    assert request_.body.device_id_list == (0x00DB1234567890A4,)


def test_the_sample_that_cancels():
    request_ = request_of(duis_vector("CS06_11.3_CANCELLATION"))
    assert request_.body.execution_date_time_ms == 32_535_129_600_000
    assert request_.body.firmware_hash.hex().startswith("aa758690730934ff")


def test_the_recorded_inventory():
    devices = response_of(duis_vector("boxed-read-inventory-response-5.4")).body.content.devices
    assert [device.device_type for device in devices] == ["CHF", "CAD", "GPF"]
    assert devices[0].device_id == 0x887384906A1002DB
    assert devices[0].connectivity == "Virtual"
    assert devices[1].device_status is None


def test_the_recorded_refusal():
    response = response_of(duis_vector("boxed-acknowledgement-error"))
    assert response.response_code == "E65"
    assert response.response_id is None
    assert response.body == v.ResponseMessage("11.2", "11.2")


# --- The tables against the schema ---


def schema_tree() -> etree._Element:
    path = require_vectors() / "xsd/DUIS Schema V5.4.xsd"
    return etree.parse(path).getroot()


def enumerated(name: str) -> set[str]:
    (found,) = schema_tree().findall(f"{XS}simpleType[@name='{name}']")
    return {entry.get("value") for entry in found.iter(f"{XS}enumeration")}


@pytest.mark.oracle
def test_the_services_are_those_of_the_schema():
    assert enumerated("ServiceReference") == services.SERVICE_REFERENCES
    assert enumerated("ServiceReferenceVariant") == services.SERVICE_REFERENCE_VARIANTS


@pytest.mark.oracle
def test_the_response_codes_are_among_the_schemas():
    assert set(ResponseCode) <= enumerated("ResponseCode")


@pytest.mark.oracle
def test_every_response_code_of_the_schema_can_be_read():
    for code in enumerated("ResponseCode"):
        octets = changed(RESPONSES[1][1], ">E65<", f">{code}<")
        assert response_of(octets).response_code == code


def fields_of(form: object) -> list[Field]:
    """Every field below a form, by the tables' own structure."""
    found = []
    for step in getattr(form, "_steps", ()):
        inner = step._alternatives if isinstance(step, Choice) else step._form
        found += [step] if isinstance(step, Field) else []
        found += fields_of(inner)
    for inner in getattr(form, "_forms", {}).values():
        found += fields_of(inner)
    return found


def all_fields() -> list[Field]:
    forms = (schema.REQUEST_HEADER, schema.REQUEST_BODY, schema.RESPONSE_HEADER)
    return [field for form in (*forms, schema.RESPONSE_BODY) for field in fields_of(form)]


def test_attributes_have_the_names_of_the_schema():
    assert len(all_fields()) > 90
    for field in all_fields():
        if not isinstance(field, Ignored) and field.element != "Device":
            name = field.attribute.removesuffix("_ms").replace("_", "")
            assert name == field.element.lower()


@pytest.mark.oracle
def test_every_element_is_one_of_the_schema():
    known = {entry.get("name") for entry in schema_tree().iter(f"{XS}element")}
    assert {field.element for field in all_fields()} <= known
    kinds = {kind.__name__ for kind in (*schema.REQUEST_BODY._forms, *schema.RESPONSE_BODY._forms)}
    assert kinds <= known


def test_warnings_have_the_lists_of_the_model_in_its_order():
    lists = {name: (number,) for number, name in enumerate(LeftOutList)}
    for kind in (v.DSPUpdateFirmwareWarning, v.DSPUpdatePPMIDFirmwareWarning):
        warning = kind.of(lists)
        assert warning.lists() == lists
        assert list(warning.lists()) == list(LeftOutList)
        shown = schema.RESPONSE_BODY.show(v.ResponseMessage("11.1", "11.1", warning))
        inner = shown["ResponseMessage"][kind.__name__]
        assert list(inner) == [name.value for name in LeftOutList]
