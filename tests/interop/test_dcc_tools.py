"""The DCC's own client tools against `hanota dcc serve`: signed, sent, answered, pushed, validated.

One process serves one home. The tools are the real ones of the npm registry: duis-parser makes the
requests, the signing tool signs them, got posts them, the tool validates what comes back and what
is pushed, and the key store fetches certificates. Only the receiving end is the standard library's,
because the Node-RED nodes are not in the registry.
"""

import base64
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from tests.interop.dcc_process import DccProcess
from tests.interop.dcc_tools import require_dcc_tools, run
from tests.vectors import duis_vector, require_keystore

from hanota.model import KeyUsage, Role, eui_text
from hanota.smki import keys
from hanota.smki.certificates import decode_certificate
from hanota.smki.organisations import SUPPLIER
from hanota.smki.stores import load_keystore
from hanota.wire.duis import decode_request, open_document
from hanota.wire.gbcs.message import decode as decode_gbcs
from hanota.wire.gbcs.message import signed_octets
from hanota.wire.image import decode_image, manufacturer_image_hash

pytestmark = pytest.mark.oracle

ACB = "90-b3-d5-1f-30-00-00-02"
USER = "90-b3-d5-1f-30-01-00-00"
ESME, PPMID = "00-db-12-34-56-78-90-a0", "00-db-12-34-56-78-90-a4"
UNKNOWN = "00-db-12-34-56-78-90-af"
PUSH_TIMEOUT_S = 60


class Receiver:
    """Takes every push of XML with 204, as the Receive Response node does, and keeps it."""

    def __init__(self) -> None:
        self.pushes = queue.Queue()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sound = self.path == "/smartdcc/duis" and (
                    self.headers["Content-Type"].partition(";")[0] == "application/xml"
                )
                receiver.pushes.put(body if sound else None)
                self.send_response(204 if sound else 404)
                self.end_headers()

            def log_message(self, *words):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}/smartdcc/duis"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def next(self) -> str:
        push = self.pushes.get(timeout=PUSH_TIMEOUT_S)
        assert push is not None, "a push came to another path, or as another media type"
        return push.decode()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="module")
def receiver():
    require_dcc_tools()
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def dcc(receiver, tmp_path_factory):
    keys = ("--pki", require_keystore())
    dcc = DccProcess(tmp_path_factory.mktemp("dcc"), receiver.address, *keys)
    yield dcc
    dcc.close()


def simplified(service, command_variant, target, body, counter=0):
    """A request as Node-RED users write it; the tool makes the time of a counter 0."""
    return {
        "simplified": {
            "header": {
                "type": "request",
                "requestId": {"originatorId": USER, "targetId": target, "counter": counter},
                "commandVariant": command_variant,
                "serviceReference": service,
                "serviceReferenceVariant": service,
            },
            "body": body,
        }
    }


def sample(name):
    """An official sample, which the tool signs anew."""
    return {"xml": duis_vector(name).decode()}


def send(dcc, *requests):
    """What the tools make of these exchanges; each has to be sound."""
    exchanges = run("send.cjs", requests, dcc.duis)
    assert [exchange.get("fault") for exchange in exchanges] == [None] * len(requests)
    return exchanges


def header_of(exchange):
    return exchange["parsed"]["header"]


def pushed(receiver, count):
    """The next pushes, as the tools read them; each has to be sound."""
    results = run("validate.cjs", [receiver.next() for _ in range(count)])
    assert [result.get("fault") for result in results] == [None] * count
    return [result["parsed"] for result in results]


def alert_in(push):
    ((name, body),) = (
        (name, body)
        for name, body in push["body"]["DCCAlertMessage"]["DCCAlert"].items()
        if isinstance(body, dict)
    )
    return name, body


def gbcs_in(push):
    return decode_gbcs(base64.b64decode(push["body"]["ResponseMessage"]["GBCSPayload"]))


def test_8_2_read_inventory(dcc):
    body = {"ReadInventory": {"DeviceID": PPMID}}
    (exchange,) = send(dcc, simplified("8.2", 8, ACB, body))
    assert header_of(exchange)["responseCode"] == "I0"
    devices = exchange["parsed"]["body"]["ResponseMessage"]["DSPInventory"]["Device"]
    assert {device["DeviceType"] for device in devices} >= {"ESME", "CHF", "PPMID", "HCALCS"}


def test_11_2_read_firmware_version(dcc, receiver):
    exchange, refused = send(
        dcc,
        simplified("11.2", 1, ESME, {"ReadFirmwareVersion": ""}),
        simplified("11.2", 1, UNKNOWN, {"ReadFirmwareVersion": ""}),
    )
    assert header_of(exchange)["responseCode"] == "I99"
    assert header_of(refused)["responseCode"] == "E19"
    (push,) = pushed(receiver, 1)
    assert push["header"]["requestId"] == header_of(exchange)["requestId"]
    assert push["header"]["responseId"]["originatorId"].lower() == ESME
    message = gbcs_in(push)
    assert (eui_text(message.originator).lower(), message.message_code) == (ESME, 0x0059)
    assert eui_text(message.supplementary_party).lower() == USER


def test_11_4_update_ppmid_firmware(dcc, receiver):
    listed = f"{PPMID.upper()}</sr:DeviceIDList>"
    request = sample("11.4")["xml"]
    assert listed in request
    with_unknown = request.replace(listed, f"{UNKNOWN.upper()},{listed}")
    (exchange,) = send(dcc, {"xml": with_unknown})
    assert header_of(exchange)["responseCode"] == "W110401"
    warning = exchange["parsed"]["body"]["ResponseMessage"]["DSPUpdatePPMIDFirmwareWarning"]
    assert warning == {"InvalidDeviceIDList": UNKNOWN.upper()}
    alerts = [alert_in(push) for push in pushed(receiver, 3)]
    assert [name for name, _ in alerts] == [
        "CSPFirmwareDeliveryStatus",
        "CommsHubAlert",
        "PPMIDAlert",
    ]
    delivered, transferred, activated = (body for _, body in alerts)
    assert delivered["CommsHubTransferStatus"] == "Success"
    transfer = transferred["FirmwareTransferAlert"]
    assert transfer["TransferResponseCode"] == "FileTransferSuccess"
    upgrade = activated["PPMIDFirmwareUpgradeAlert"]
    assert upgrade["ActivateImageResultCode"] == "ActivationSuccess"


def test_11_1_and_11_3_distribute_and_activate(dcc, receiver):
    (distributed,) = send(dcc, sample("11.1"))
    assert header_of(distributed)["responseCode"] == "I0"
    # The receipt is the device's, the alerts are of the DCC and the hub: nothing orders them.
    receipts, alerts = [], []
    for push in pushed(receiver, 3):
        (receipts if "DeviceAlertMessage" in push["body"] else alerts).append(push)
    assert [push["body"]["DeviceAlertMessage"]["AlertCode"] for push in receipts] == ["8F72"]
    assert {alert_in(push)[0] for push in alerts} == {"CSPFirmwareDeliveryStatus", "CommsHubAlert"}

    body = {"ActivateFirmware": {"FirmwareHash": hash_in(duis_vector("11.1"))}}
    (transformed,) = send(dcc, simplified("11.3", 4, ESME, body))
    assert header_of(transformed)["responseCode"] == "I0"
    pre_command = transformed["parsed"]["body"]["ResponseMessage"]["PreCommand"]
    payload = run("sign_pre_command.cjs", {"eui": USER, "payload": pre_command["GBCSPayload"]})
    assert_signed_by_supplier(base64.b64decode(payload))
    request_id = header_of(transformed)["requestId"]
    counter = int(request_id["counter"])
    signed = simplified("11.3", 5, ESME, {"SignedPreCommand": {"GBCSPayload": payload}}, counter)
    (sent,) = send(dcc, {**signed, "preserveCounter": True})
    assert header_of(sent)["responseCode"] == "I99"
    (push,) = pushed(receiver, 1)
    assert push["header"]["requestId"] == request_id
    message = gbcs_in(push)
    # CS06: outcome 0, and the version of the sample, ACDCACDC.
    assert (message.message_code, message.content.hex()) == (0x0012, "30090201000404acdcacdc")

    device = certificates(dcc, (ESME, "digitalSignature"))[0]
    assert keys.verify(device.public_key, signed_octets(message), message.signature)


def hash_in(request):
    image = decode_request(open_document(request)).body.firmware_image
    return manufacturer_image_hash(decode_image(image, signed=True)).hex().upper()


def assert_signed_by_supplier(command):
    supplier = load_keystore(require_keystore())
    found = supplier.find(SUPPLIER, KeyUsage.DIGITAL_SIGNATURE, Role.SUPPLIER)
    message = decode_gbcs(command)
    octets = signed_octets(message)
    assert any(keys.verify(one.public_key, octets, message.signature) for one in found)


def certificates(dcc, *wanted):
    """The certificates that the key store finds, one for each that is wanted."""
    asked = [{"eui": eui, "keyUsage": usage} for eui, usage in wanted]
    found = run("certificates.cjs", asked, dcc.smki)
    assert [len(each) for each in found] == [1] * len(wanted), found
    return [
        decode_certificate(x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER))
        for (pem,) in found
    ]


def test_certificates_of_devices_are_found(dcc):
    wanted = [
        (eui, usage) for eui in (ESME, PPMID) for usage in ("digitalSignature", "keyAgreement")
    ]
    usages = {
        "digitalSignature": KeyUsage.DIGITAL_SIGNATURE,
        "keyAgreement": KeyUsage.KEY_AGREEMENT,
    }
    for (eui, usage), certificate in zip(wanted, certificates(dcc, *wanted), strict=True):
        assert eui_text(certificate.eui).lower() == eui
        assert certificate.usage is usages[usage]
        assert certificate.role is None


def test_a_device_that_is_nobody_has_no_certificate(dcc):
    asked = [{"eui": UNKNOWN, "keyUsage": "digitalSignature"}]
    assert run("certificates.cjs", asked, dcc.smki) == [[]]
