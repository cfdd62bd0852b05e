"""Distinguished names: what they hold, and how RFC 4514 writes them.

DUIS names an issuer in this form, last attribute first: `CN=Z1,OU=07`.
"""

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from hanota.errors import RemoteError
from hanota.smki import profile
from hanota.wire.codes import CertificateFault

_SHORT = {
    profile.COMMON_NAME: "CN",
    profile.ORGANIZATIONAL_UNIT: "OU",
    profile.X500_UNIQUE_IDENTIFIER: "x500UniqueIdentifier",
}


def text(name: profile.Name) -> str:
    """The name as one line, empty for an empty name; RemoteError as `values`."""
    return ",".join(
        f"{_SHORT.get(attribute.type, attribute.type.dotted_string)}={value_text(attribute.value)}"
        for attribute in reversed(_attributes(name))
    )


def values(name: profile.Name, kind: ObjectIdentifier) -> list[profile.AttributeValue]:
    """The values of the attributes of one kind.

    RemoteError where one place of the name holds several attributes: SMKI has no such names.
    """
    return [attribute.value for attribute in _attributes(name) if attribute.type == kind]


def value_text(value: profile.AttributeValue) -> str:
    """One value, escaped as RFC 4514 2.4 says; bits as the hex of their DER after a `#`."""
    match value:
        case str():
            return _escaped(value)
        case asn1.PrintableString():
            return _escaped(value.as_str())
        case asn1.BitString():
            return "#" + asn1.encode_der(value).hex().upper()


def _attributes(name: profile.Name) -> list[profile.Attribute]:
    places = [place.as_list() for place in name]
    if any(len(attributes) != 1 for attributes in places):
        raise RemoteError(CertificateFault.MALFORMED, "a name has several attributes in one place")
    return [attribute for (attribute,) in places]


def _escaped(value: str) -> str:
    """Without this a value could pass for the end of its attribute and the start of another."""
    escaped = "".join("\\" + char if char in '",+;<>\\' else char for char in value)
    escaped = escaped.replace("\x00", "\\00")
    if escaped.startswith(("#", " ")):
        escaped = "\\" + escaped
    if len(value) > 1 and escaped.endswith(" "):
        escaped = escaped[:-1] + "\\ "
    return escaped
