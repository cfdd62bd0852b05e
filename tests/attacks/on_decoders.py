"""Attacks on whatever reads octets of strangers."""

import asyncio

import httpx
from tests.attacks.attack import Attack, Defence
from tests.attacks.on_the_dcc import unopened
from tests.dcc.samples import DEVICE_ID, NOW_MS, device, hub
from tests.serve.a_dcc import PKI, ADcc, ppmid_file, signed, update_ppmid
from tests.serve.test_duis_http import D, Service

from hanota.cohort import parse_cohort
from hanota.errors import LocalError, RemoteError
from hanota.files import columns
from hanota.files.csv_form import row_writer
from hanota.ledger.ledger import Ledger
from hanota.limits import DEVICES_PER_REQUEST_MAX, DUIS_OCTETS_MAX
from hanota.model import DeviceType
from hanota.serve.dcc_reading import read_request
from hanota.serve.operator_http import operator_service
from hanota.serve.receiver_http import DEFAULT_PATH, receive_response_service
from hanota.wire.duis.document import open_document
from hanota.wire.duis.messages import decode_request
from hanota.wire.image import decode_image

BOMB = b"".join(
    [
        b"<!DOCTYPE a [<!ENTITY e0 'ha'>",
        *(b"<!ENTITY e%d '%s'>" % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 4)),
        b"]>",
    ]
)
EXTERNAL = b"<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
SQL = "x') OR ('1'='1"
MEGABYTE = bytes(1_000_000)


def reason_of(read, octets) -> str:
    """Why a decoder refuses these octets."""
    try:
        read(octets)
    except RemoteError as fault:
        return f"{type(fault.code).__name__}: {fault.reason}"
    return "read"


def _with_entity(document_type: bytes, entity: bytes) -> bytes:
    octets = signed(update_ppmid())
    start = octets.index(b"<sr:Request")
    return (
        octets[:start] + document_type + octets[start:].replace(b"<sr:Body>", b"<sr:Body>" + entity)
    )


def entities_of_entities() -> str:
    return reason_of(open_document, _with_entity(BOMB, b"&e3;"))


def an_entity_that_is_a_file() -> str:
    return reason_of(open_document, _with_entity(EXTERNAL, b"&e;"))


def a_signed_element_beside_the_one_that_is_used() -> str:
    """The genuine signature stays, and another body is put beside the signed one."""
    octets = signed(update_ppmid())
    other = signed(update_ppmid(firmware_version="00009999"))
    body = other[other.index(b"<sr:Body>") : other.index(b"</sr:Body>") + 10]
    wrapped = octets.replace(b"<sr:Body>", body + b"<sr:Body>")
    return read_request(wrapped, PKI, NOW_MS, signature_check=True).request.reason


def a_body_exchanged_under_a_signature() -> str:
    octets = signed(update_ppmid())
    shown = f"{DEVICE_ID:016X}"
    text = "-".join(shown[n : n + 2] for n in range(0, 16, 2)).encode()
    other = text[:-1] + bytes((text[-1] ^ 1,))
    return unopened(ADcc().shell.answer(octets.replace(text, other), NOW_MS))


def a_list_of_too_many_devices() -> str:
    """One more than a request may name, made by a client that knows no limits."""
    few = signed(update_ppmid())
    start, end = few.index(b"<sr:DeviceIDList>") + 17, few.index(b"</sr:DeviceIDList>")
    many = few[:start] + b",".join([few[start:end]] * (DEVICES_PER_REQUEST_MAX + 1)) + few[end:]
    return reason_of(lambda octets: decode_request(open_document(octets)), many)


def trailing_octets() -> str:
    return reason_of(lambda octets: decode_image(octets, signed=False), ppmid_file() + b"\0")


def a_header_longer_than_its_file() -> str:
    """The header length points behind the end of the file."""
    octets = bytearray(ppmid_file())
    octets[6:8] = b"\xff\xff"
    return reason_of(lambda given: decode_image(given, signed=False), bytes(octets))


def _post(app, url, content, **headers) -> httpx.Response:
    async def exchange():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://a") as client:
            return await client.post(url, content=content, headers=headers)

    return asyncio.run(exchange())


async def _without_end():
    for _ in range(DUIS_OCTETS_MAX // len(MEGABYTE) + 3):
        yield MEGABYTE


def a_request_without_end() -> str:
    async def main():
        service = Service()
        async with service.client() as client:
            return await client.post(D, content=_without_end())

    answer = asyncio.run(main())
    return f"{answer.status_code}: {answer.text.strip()}"


def a_push_without_end() -> str:
    taken = []

    async def take(octets):
        taken.append(octets)

    app = receive_response_service(take)
    answer = _post(app, DEFAULT_PATH, _without_end(), **{"content-type": "application/xml"})
    return f"{answer.status_code}, {len(taken)} taken"


def an_operator_without_the_secret() -> str:
    done = []

    async def release(parameters, _body):
        done.append(parameters)

    app = operator_service({"release": release}, "a secret")
    return (
        f"{_post(app, '/release', b'', authorization='Bearer guess').status_code}, {len(done)} done"
    )


def a_filter_that_is_sql() -> str:
    """A model with a quotation mark and a condition in its name; how many devices have it."""
    ledger = Ledger.open("sqlite://", owner="supplier")
    with ledger.batch() as batch:
        batch.put_devices([hub(), device(DeviceType.PPMID, model=SQL)])
    with ledger.view() as view:
        found = view.cohort_count(parse_cohort(f'model:"{SQL}"'))
    return f"{found} of 2 devices"


def a_filter_without_end() -> str:
    try:
        parse_cohort(" ".join(["type:PPMID"] * 500))
    except LocalError as error:
        return str(error)
    return "read"


def a_formula_in_an_export() -> str:
    """A model's name that a spreadsheet would run."""
    written = []
    row_writer(written.append, [columns.text("model")])(["=HYPERLINK(1)"])
    return written[-1].strip()


ANYBODY = "whoever reaches a service, without any certificate"
PROLOG = Defence("wire/duis/document.py", "    if not _PROLOG.match(octets):\n", "    if False:\n")

ATTACKS = (
    Attack(
        name="entities of entities",
        number=11,
        who=ANYBODY,
        stopped_by="A document type is refused in the octets, before a parser sees any "
        "(wire/duis/document.py); the parser expands no entities besides.",
        mount=entities_of_entities,
        refused="DuisFault: the document does not begin as XML 1.0 in UTF-8 without a document "
        "type",
        without="read",
        defence=PROLOG,
        remains="Nothing known: elements, attributes, namespaces, levels and octets are bounded.",
    ),
    Attack(
        name="an entity that is a file",
        number=11,
        who=ANYBODY,
        stopped_by="The same; the parser reads no file and no network either.",
        mount=an_entity_that_is_a_file,
        refused="DuisFault: the document does not begin as XML 1.0 in UTF-8 without a document "
        "type",
        without="read",
        defence=PROLOG,
        remains="Nothing known.",
    ),
    Attack(
        name="a second body beside the signed one",
        number=11,
        who="whoever has recorded a signed request",
        stopped_by="A signature is over the whole document that is decoded, less itself, and a "
        "document has one body (wire/duis/signature.py, wire/duis/document.py).",
        mount=a_signed_element_beside_the_one_that_is_used,
        refused="the Signature is not one at the end of the document",
        without="the Signature is not DUIS's: the digest is not that of the document",
        defence=Defence(
            "wire/duis/document.py",
            '        raise RemoteError(ResponseCode.E48, "the Signature is not one at the end of '
            'the document")\n',
            "        return Sections(children[0], children[1], children[-1])\n",
        ),
        remains="Nothing known: there is no element that could be signed and not used.",
    ),
    Attack(
        name="a device exchanged under a signature",
        number=11,
        who="whoever stands between a supplier and the DCC",
        stopped_by="The digest in the signature is compared with that of the document "
        "(wire/duis/signature.py).",
        mount=a_body_exchanged_under_a_signature,
        refused="E48",
        without="E110405",
        defence=Defence(
            "wire/duis/signature.py",
            '    if digest != _digest(root, element, exclusive=match["exclusive"] is not None):\n',
            "    if False:\n",
        ),
        remains="Nothing known.",
    ),
    Attack(
        name="a list of too many devices",
        number=11,
        who="a user of the DCC",
        stopped_by="A DeviceIDList has at most 50,000 devices, counted before they are read "
        "(wire/duis/identifiers.py).",
        mount=a_list_of_too_many_devices,
        refused="ResponseCode: DeviceIDList has more than 50000 devices",
        without="read",
        defence=Defence(
            "wire/duis/identifiers.py",
            "    if count > DEVICES_PER_REQUEST_MAX:\n",
            "    if False:\n",
        ),
        remains="50,000 devices a request, as the schema allows.",
    ),
    Attack(
        name="octets after the image",
        number=3,
        who="whoever hands an image in, or holds it on its way",
        stopped_by="The lengths in the header have to be those of the file (wire/image.py); its "
        "SHA-256 names the whole file.",
        mount=trailing_octets,
        refused="ImageFault: the OTA header says 68 octets in all, and there are 69",
        without="read",
        defence=Defence(
            "wire/image.py", "    if header.total_size != len(data):\n", "    if False:\n"
        ),
        remains="Octets that the maker itself certified.",
    ),
    Attack(
        name="a header longer than its file",
        number=3,
        who="whoever hands an image in",
        stopped_by="The header's length follows from its field control and has to be that "
        "(wire/image.py).",
        mount=a_header_longer_than_its_file,
        refused="ImageFault: the OTA header says that it has 65535 octets; its field control 0004 "
        "makes 60",
        without="ImageFault: the OTA header needs 65535 octets, and there are 68",
        defence=Defence(
            "wire/image.py", "    if length != layout.header_length:\n", "    if False:\n"
        ),
        remains="Nothing known.",
    ),
    Attack(
        name="a request without end",
        number=10,
        who=ANYBODY,
        stopped_by="A body is counted while it comes, and its time is bounded "
        "(serve/duis_http.py).",
        mount=a_request_without_end,
        refused="413: a request has at most 16000000 octets",
        without="400: the document has more than 16000000 octets",
        defence=Defence(
            "serve/duis_http.py",
            "                if told.octets > DUIS_OCTETS_MAX:\n",
            "                if False:\n",
        ),
        remains="Who has many addresses can take all the room there is; others then get 503.",
    ),
    Attack(
        name="a push without end",
        number=10,
        who="whoever reaches a supplier's receiver",
        stopped_by="A body is counted while it comes, and its time is bounded "
        "(serve/receiver_http.py).",
        mount=a_push_without_end,
        refused="413, 0 taken",
        without="204, 1 taken",
        defence=Defence(
            "serve/receiver_http.py",
            "        if len(body) > PUSH_RECEIVED_OCTETS_MAX:\n",
            "        if False:\n",
        ),
        remains="How many may come at once is for the server's own limit on connections.",
    ),
    Attack(
        name="an operator's act without the secret",
        number=16,
        who="a program on the same machine, under another user",
        stopped_by="Every act of the operator's service needs the secret that is in a file of "
        "the state folder (serve/operator_http.py).",
        mount=an_operator_without_the_secret,
        refused="403, 0 done",
        without="200, 1 done",
        defence=Defence(
            "serve/operator_http.py",
            'if not hmac.compare_digest(given.encode(), f"Bearer {secret}".encode()):',
            "if False:",
        ),
        remains="Who can read the state folder is the operator.",
    ),
    Attack(
        name="a filter that is SQL",
        number=29,
        who="whoever names devices or writes filters",
        stopped_by="A filter is read into conditions over known fields; every value is bound as "
        "a parameter (cohort.py, ledger/cohort_sql.py).",
        mount=a_filter_that_is_sql,
        refused="1 of 2 devices",
        without="2 of 2 devices",
        defence=Defence(
            "ledger/cohort_sql.py",
            '    marks = ", ".join("?" for _ in values)\n'
            '    return Where(f"{column} IN ({marks})", tuple(values))\n',
            """    marks = ", ".join(f"'{value}'" for value in values)\n"""
            '    return Where(f"{column} IN ({marks})", ())\n',
        ),
        remains="Nothing known.",
    ),
    Attack(
        name="a filter without end",
        number=29,
        who="whoever writes filters",
        stopped_by="Characters, terms and values of a filter are bounded (cohort.py).",
        mount=a_filter_without_end,
        refused="the filter has 500 terms; at most 32 are allowed",
        without="read",
        defence=Defence(
            "cohort.py", "    if len(conditions) > FILTER_TERMS_MAX:\n", "    if False:\n"
        ),
        remains="A filter over 20 million devices costs what it costs; queries have no time limit.",
    ),
    Attack(
        name="a formula in an export",
        number=28,
        who="whoever names devices: a maker, another supplier",
        stopped_by="What a spreadsheet would take for a formula is written with an apostrophe "
        "before it (files/csv_form.py).",
        mount=a_formula_in_an_export,
        refused="'=HYPERLINK(1)",
        without="=HYPERLINK(1)",
        defence=Defence(
            "files/csv_form.py",
            """    write_row([f"'{text}" if _FORMULA.match(text) else text for text in texts])\n""",
            "    write_row(texts)\n",
        ),
        remains="A program that takes the apostrophe away again before it shows the text.",
    ),
)
