"""Opening hostile XML: what is refused, that nothing is fetched or expanded, and that it is quick.

"Quick" is a bound on work, not a clock: each attack is far below what it would cost unbounded.
"""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.duis_golden import REQUESTS, SR
from tests.wire.duis_messages import outcome, refused, request_of
from tests.wire.duis_referees import SIGNER

from hanota.errors import RemoteError
from hanota.limits import (
    DUIS_OCTETS_MAX,
    XML_ATTRIBUTES_MAX,
    XML_DEPTH_MAX,
    XML_ELEMENTS_MAX,
    XML_NAMESPACES_MAX,
)
from hanota.wire.codes import DuisFault, ResponseCode
from hanota.wire.duis.document import open_document
from hanota.wire.duis.messages import encode_request
from hanota.wire.duis.signature import read_signature

REQUEST, OCTETS = REQUESTS[2]
ROOT = OCTETS[OCTETS.index(b"<sr:Request") :]
DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>'


def not_duis(octets: bytes) -> str:
    fault = refused(octets, open_document)
    assert fault.code is DuisFault.NOT_DUIS
    return fault.reason


def in_body(text: bytes) -> bytes:
    body = b"<sr:ReadFirmwareVersion></sr:ReadFirmwareVersion>"
    assert body in OCTETS
    return OCTETS.replace(body, text)


# --- Forms of a document that are taken ---


@pytest.mark.parametrize(
    "octets",
    [
        ROOT,
        b"\n " + ROOT + b"\n",
        b"\xef\xbb\xbf" + DECLARATION + ROOT,
        b"\xef\xbb\xbf" + ROOT,
        b"<?xml version='1.0' encoding='utf-8' standalone='yes' ?>" + ROOT,
        b'<?xml version="1.0"?>' + ROOT,
        DECLARATION + b"<!-- before -->" + ROOT + b"<!-- after -->",
        ROOT.replace(b"<sr:Body>", b"<sr:Body><!-- <!ENTITY> in a comment is a comment -->"),
        ROOT.replace(b"11.2", b"&#49;1.2"),
    ],
)
def test_any_ordinary_form_is_the_same_request(octets):
    assert request_of(octets) == REQUEST


# --- Forms that are refused ---


def entities(depth: int) -> bytes:
    lines = [b'<!ENTITY a0 "lol">']
    lines += [b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, depth)]
    return b"<!DOCTYPE r [" + b"".join(lines) + b"]>"


@pytest.mark.parametrize(
    "octets",
    [
        b"<!DOCTYPE Request>" + ROOT,
        b'<!DOCTYPE r SYSTEM "file:///etc/passwd">' + ROOT,
        DECLARATION + b"<!-- -->\n" * 19_000 + b"<!DOCTYPE r>" + ROOT,
        DECLARATION + b"<!-- -->" * 19_000 + b"<!--" + ROOT,
        b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        + ROOT.replace(b">11.2<", b">&x;<", 1),
        b'<!DOCTYPE r [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x.dtd"> %x;]>' + ROOT,
        entities(10) + ROOT.replace(b">11.2<", b">&a9;<", 1),
        entities(10) + ROOT.replace(b'"5.4"', b'"&a9;"'),
        b'<!DOCTYPE r [<!ATTLIST sr:Request schemaVersion CDATA "5.4">]>' + ROOT,
    ],
)
def test_a_document_type_is_refused_before_it_is_read(octets):
    assert "document type" in not_duis(octets)


def test_an_entity_without_a_document_type_is_refused():
    assert "not well-formed" in not_duis(ROOT.replace(b">11.2<", b">&x;<", 1))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7"])
def test_other_encodings_are_refused_whatever_they_hide(encoding):
    text = (b'<!DOCTYPE r [<!ENTITY x "y">]>' + ROOT).decode()
    declared = f'<?xml version="1.0" encoding="{encoding[:6].upper()}"?>{text}'
    not_duis(declared.encode(encoding))
    not_duis(text.encode(encoding))


@pytest.mark.parametrize("name", [b"UTF-16", b"ISO-8859-1", b"UTF-7", b"US-ASCII", b"UTF-8x"])
def test_another_encoding_is_refused_even_where_it_is_only_said(name):
    not_duis(b'<?xml version="1.0" encoding="%b"?>' % name + ROOT)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b" ",
        b"\x00" + ROOT,
        ROOT + b"\x00",
        ROOT + ROOT,
        ROOT + b"text",
        ROOT[:-1],
        b" " + DECLARATION + ROOT,
        b'<?xml version="1.1"?>' + ROOT,
        b'<?xml version="1.0" unknown="x"?>' + ROOT,
        DECLARATION + DECLARATION + ROOT,
        DECLARATION + b"<?target data?>" + ROOT,
        ROOT + b"<?target data?>",
        ROOT.replace(b">11.2<", b"><?target data?>11.2<", 1),
        ROOT.replace(b"11.2", b"11\x00.2"),
        ROOT.replace(b"11.2", b"11&#0;.2"),
        ROOT.replace(b"11.2", b"11\xe9.2"),
        ROOT.replace(b"11.2", b"11\xed\xa0\x80.2"),
        ROOT.replace(b"</sr:Header>", b"</sr:header>"),
        ROOT.replace(b"sr:Request ", b"sr:Wish ").replace(b"/sr:Request>", b"/sr:Wish>"),
        ROOT.replace(SR.encode(), b"http://www.example.org/"),
        b"<a/>",
        b'{"json": true}',
        b"\x89PNG\r\n",
    ],
)
def test_what_is_no_duis_document_is_refused(octets):
    not_duis(octets)


# --- Bounds ---


def nested(levels: int) -> bytes:
    return in_body(b"<sr:x>" * levels + b"</sr:x>" * levels)


def test_depth_is_bounded():
    # Request and Body are two levels.
    assert request_of(nested(XML_DEPTH_MAX - 2)).body.name == "x"
    assert "deeper than 32" in not_duis(nested(XML_DEPTH_MAX - 1))
    not_duis(nested(15_000))


def test_the_number_of_elements_is_bounded():
    inside = OCTETS.count(b"<")
    fits = (2 * XML_ELEMENTS_MAX - inside) // 2
    assert request_of(in_body(b"<sr:x>" + b"<a></a>" * (fits - 10) + b"</sr:x>"))
    assert "too many elements" in not_duis(in_body(b"<a></a>" * (fits + 10)))


def test_the_number_of_attributes_is_bounded():
    attributes = b" ".join(b'a%d=""' % n for n in range(XML_ATTRIBUTES_MAX - 20))
    assert request_of(in_body(b"<sr:x %b/>" % attributes)).body.name == "x"
    assert "too many attributes" in not_duis(
        in_body(b"<sr:x %b b='' %b/>" % (attributes, b"=" * 20))
    )


def test_the_number_of_namespaces_is_bounded():
    names = [b'xmlns:a%d="urn:%d"' % (n, n) for n in range(XML_NAMESPACES_MAX)]
    assert request_of(in_body(b"<sr:x %b/>" % b" ".join(names[1:]))).body.name == "x"
    assert "too many namespaces" in not_duis(in_body(b"<sr:x %b/>" % b" ".join(names)))


def test_the_number_of_octets_is_bounded():
    full = OCTETS + b" " * (DUIS_OCTETS_MAX - len(OCTETS))
    assert request_of(full) == REQUEST
    assert "more than 16000000 octets" in not_duis(full + b" ")


def test_the_widest_document_is_still_digested():
    """Canonical XML takes time by the square of what is bounded: the bounds bear that."""
    signed = encode_request(REQUEST, SIGNER)
    names = b" ".join(b'xmlns:a%d="urn:%d"' % (n, n) for n in range(XML_NAMESPACES_MAX - 3))
    attributes = b" ".join(b'a%d=""' % n for n in range(XML_ATTRIBUTES_MAX - 60))
    wide = b"<sr:x %b %b>%b</sr:x>" % (names, attributes, b"<a></a>" * (XML_ELEMENTS_MAX - 40))
    octets = signed.replace(b"<sr:ReadFirmwareVersion></sr:ReadFirmwareVersion>", wide)
    fault = refused(octets, lambda octets: read_signature(open_document(octets)))
    assert (fault.code, "digest" in fault.reason) == (ResponseCode.E48, True)


@pytest.mark.parametrize(
    "text",
    [
        b"&#13;" * 3_000_000,
        b"&amp;" * 3_000_000,
        b"<![CDATA[x]]>" * 30_000,
        b"<!---->x" * 30_000,
        b"x" * 15_000_000,
    ],
)
def test_much_text_is_no_request(text):
    fault = refused(in_body(text))
    assert fault.code is ResponseCode.E100


def test_long_names_do_not_come_back_in_the_reason():
    name = b"n" * 1_000_000
    for octets in (
        in_body(b"<%b/>" % name),
        in_body(b"<sr:%b/>" % name),
        in_body(b"<%b></x>" % name),
    ):
        match outcome(request_of, octets):
            case RemoteError(reason=reason):
                assert len(reason) < 250
            case request:
                assert len(request.body.name) <= 80


def test_a_hostile_document_takes_no_more_memory_than_its_bounds():
    """Bombs of tags and attributes are counted before a parser spends memory on them."""
    script = (
        "import resource, sys\n"
        "from hanota.errors import RemoteError\n"
        "from hanota.wire.duis.document import open_document\n"
        "bombs = [b'<a>' * 5_000_000, b'<a ' + b'b=\"\" ' * 3_000_000, b'<a>&#13;' * 2_000_000]\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for bomb in bombs:\n"
        "    try:\n"
        "        open_document(bomb)\n"
        "        sys.exit('it was opened')\n"
        "    except RemoteError:\n"
        "        pass\n"
        "after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "sys.exit(0 if after - before < 1_000 else f'{after - before} KiB')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=os.environ
    )
    assert (done.returncode, done.stderr) == (0, "")


@given(st.binary(max_size=300))
def test_any_octets_open_or_are_refused_in_one_sentence(octets):
    for start in (b"", b"<", b"<?xml", b"<sr:Request xmlns:sr=", DECLARATION + b"<"):
        match outcome(open_document, start + octets):
            case RemoteError(code=code, reason=reason):
                assert code is DuisFault.NOT_DUIS
                assert "\n" not in reason
            case document:
                pytest.fail(f"{document} was opened")
