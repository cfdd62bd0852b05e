"""Elements with children: one description of a message that reads it, writes it and shows it.

A `Record` is a class and the steps in which its children are taken, in the schema's order: a
`Field`, a `Repeated` field, an `Ignored` one, or a `Choice` of `Alternatives`. What is written is
canonical XML (C14N 1.0) with the prefix `sr`: no blanks between elements, no self-closing tags.

A fault in what was read is a RemoteError with the code of its field, a fault in what is to be
written a LocalError. Not here: the messages themselves (`schema`).
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from lxml.etree import _Element as Element

from hanota.errors import LocalError, RemoteError
from hanota.wire.codes import ResponseCode
from hanota.wire.duis.leaves import BLANKS
from hanota.wire.duis.values import OtherElement

NAMESPACE = "http://www.dccinterface.co.uk/ServiceUserGateway"

_CLARK = f"{{{NAMESPACE}}}"
_NAME_CHARACTERS_MAX = 80  # the schema's longest has 65

Put = Callable[[bytes], None]


class Form(Protocol):
    """How a value stands in an element: a `Leaf`, a `Record` or `Alternatives`."""

    def read(self, element: Element) -> Any:
        """The value of the element; RemoteError, or ValueError with the reason."""

    def write(self, value: Any, put: Put) -> None:
        """Put what stands between the tags; LocalError, or ValueError with the reason."""

    def show(self, value: Any) -> Any:
        """The value for JSON."""


class Step(Protocol):
    """Takes the next children of an element for one attribute of the value."""

    def read(self, children: list[Element], at: int, values: dict[str, Any]) -> int:
        """Read what stands at index `at` into `values`; the index of the next child."""

    def write(self, message: Any, put: Put) -> None:
        """Put the attribute's element of the message."""

    def show(self, message: Any, shown: dict[str, Any]) -> None:
        """Show the attribute under the name of its element."""


class Record:
    """An element that has only children: the class of its value and the steps to take."""

    def __init__(self, kind: type, *steps: Step) -> None:
        self.kind = kind
        self._steps = steps

    def read(self, element: Element) -> Any:
        """The value of the element."""
        return self.kind(**self.attributes(element))

    def attributes(self, element: Element) -> dict[str, Any]:
        """The attributes of the value, for a message that stands in more than one element."""
        children = children_of(element)
        values: dict[str, Any] = {}
        at = 0
        for step in self._steps:
            at = step.read(children, at, values)
        if at < len(children):
            raise RemoteError(ResponseCode.E100, f"{name_of(children[at])} has no place there")
        return values

    def write(self, value: Any, put: Put) -> None:
        """Put the children that the value has."""
        for step in self._steps:
            step.write(value, put)

    def show(self, value: Any) -> dict[str, Any]:
        """The value as a dict of the names of its elements."""
        shown: dict[str, Any] = {}
        for step in self._steps:
            step.show(value, shown)
        return shown


class Field:
    """One child element of a name; `fault` is the code to answer where it is wrong."""

    def __init__(
        self,
        attribute: str,
        element: str,
        form: Form,
        *,
        optional: bool = False,
        fault: ResponseCode = ResponseCode.E100,
    ) -> None:
        self.attribute = attribute
        self.element = element
        self.optional = optional
        self._form = form
        self._fault = fault
        self._tag = f"{_CLARK}{element}"
        self._start = f"<sr:{element}>".encode("ascii")
        self._end = f"</sr:{element}>".encode("ascii")

    def read(self, children: list[Element], at: int, values: dict[str, Any]) -> int:
        """Take the child if it is next."""
        if at < len(children) and children[at].tag == self._tag:
            values[self.attribute] = self._read(children[at])
            return at + 1
        if self.optional:
            return at
        raise RemoteError(self._fault, f"{self.element} is missing where it belongs")

    def write(self, message: Any, put: Put) -> None:
        """Put the element, unless its value is None and may be."""
        value = getattr(message, self.attribute)
        if value is not None or not self.optional:
            self._write(value, put)

    def show(self, message: Any, shown: dict[str, Any]) -> None:
        """Show the value, unless it is None."""
        value = getattr(message, self.attribute)
        if value is not None:
            shown[self.element] = self._form.show(value)

    def _read(self, child: Element) -> Any:
        try:
            return self._form.read(child)
        except ValueError as fault:
            raise RemoteError(self._fault, f"{self.element} {fault}") from fault

    def _write(self, value: Any, put: Put) -> None:
        put(self._start)
        try:
            self._form.write(value, put)
        except ValueError as fault:
            raise LocalError(f"{self.element} {fault}") from fault
        put(self._end)


class Ignored(Field):
    """A child element that is checked when it comes and neither kept nor ever written."""

    def __init__(self, element: str, form: Form) -> None:
        super().__init__(element, element, form, optional=True)

    def read(self, children: list[Element], at: int, values: dict[str, Any]) -> int:
        """Check the child if it is next."""
        at = super().read(children, at, values)
        values.pop(self.attribute, None)
        return at

    def write(self, message: Any, put: Put) -> None:
        """Put nothing."""

    def show(self, message: Any, shown: dict[str, Any]) -> None:
        """Show nothing."""


class Repeated(Field):
    """One to `most` child elements of one name, read as a tuple."""

    def __init__(self, attribute: str, element: str, form: Form, most: int) -> None:
        super().__init__(attribute, element, form)
        self._most = most

    def read(self, children: list[Element], at: int, values: dict[str, Any]) -> int:
        """Take all that come next."""
        end = at
        while end < len(children) and children[end].tag == self._tag:
            end += 1
        if not 1 <= end - at <= self._most:
            raise RemoteError(
                self._fault, f"{self.element} comes {end - at} times, not 1 to {self._most}"
            )
        values[self.attribute] = tuple(self._read(child) for child in children[at:end])
        return end

    def write(self, message: Any, put: Put) -> None:
        """Put an element for each value."""
        values = getattr(message, self.attribute)
        if not 1 <= len(values) <= self._most:
            raise LocalError(f"{self.element} comes {len(values)} times, not 1 to {self._most}")
        for value in values:
            self._write(value, put)

    def show(self, message: Any, shown: dict[str, Any]) -> None:
        """Show a list."""
        shown[self.element] = [self._form.show(value) for value in getattr(message, self.attribute)]


class Alternatives:
    """An element with one child out of several, each named as the class of its value.

    Where it is `open_`, another element of the namespace is read as an OtherElement.
    """

    def __init__(self, forms: Mapping[type, Form], *, open_: bool = False) -> None:
        self._open = open_
        self._forms = forms
        self._form_of_tag = {f"{_CLARK}{kind.__name__}": form for kind, form in forms.items()}

    def read(self, element: Element) -> Any:
        """The value of the only child of the element."""
        children = children_of(element)
        if len(children) != 1:
            raise RemoteError(
                ResponseCode.E100, f"{name_of(element)} has {len(children)} elements, not one"
            )
        return self.read_child(children[0])

    def read_child(self, child: Element) -> Any:
        """The value of one of these elements."""
        form = self._form_of_tag.get(child.tag)
        if form is not None:
            try:
                return form.read(child)
            except ValueError as fault:
                raise RemoteError(ResponseCode.E100, f"{name_of(child)} {fault}") from fault
        if self._open and child.tag.startswith(_CLARK):
            return OtherElement(name_of(child))
        raise RemoteError(ResponseCode.E100, f"{name_of(child)} has no place there")

    def write(self, value: Any, put: Put) -> None:
        """Put the element of the value's class."""
        name = type(value).__name__
        form = self._forms.get(type(value))
        if form is None:
            raise LocalError(f"{name} is nothing that can be written here")
        put(b"<sr:%b>" % name.encode("ascii"))
        try:
            form.write(value, put)
        except ValueError as fault:
            raise LocalError(f"{name} {fault}") from fault
        put(b"</sr:%b>" % name.encode("ascii"))

    def show(self, value: Any) -> dict[str, Any]:
        """The value under its name; what is in an OtherElement is not known here."""
        form = self._forms.get(type(value))
        if form is None:
            return {value.name: None}
        return {type(value).__name__: form.show(value)}


class Choice:
    """One of several elements among the children of a record."""

    def __init__(
        self, attribute: str, alternatives: Alternatives, *, optional: bool = False
    ) -> None:
        self.attribute = attribute
        self._alternatives = alternatives
        self._optional = optional

    def read(self, children: list[Element], at: int, values: dict[str, Any]) -> int:
        """Take the next child, whichever it is."""
        if at < len(children):
            values[self.attribute] = self._alternatives.read_child(children[at])
            return at + 1
        if self._optional:
            return at
        raise RemoteError(ResponseCode.E100, f"the {self.attribute} is missing")

    def write(self, message: Any, put: Put) -> None:
        """Put the element of the value, unless it is None and may be."""
        value = getattr(message, self.attribute)
        if value is not None or not self._optional:
            self._alternatives.write(value, put)

    def show(self, message: Any, shown: dict[str, Any]) -> None:
        """Show the value under its name."""
        value = getattr(message, self.attribute)
        if value is not None:
            shown.update(self._alternatives.show(value))


def children_of(element: Element, attributes: frozenset[str] = frozenset()) -> list[Element]:
    """The children of an element that has no text of its own and no other attributes than these.

    RemoteError(E100) where it has.
    """
    children = list(element)
    names = element.keys()
    if names and not attributes.issuperset(names):
        raise RemoteError(ResponseCode.E100, f"{name_of(element)} has an unknown attribute")
    texts = [child.tail for child in children]
    texts.append(element.text)
    if any(texts) and "".join(filter(None, texts)).strip(BLANKS):
        raise RemoteError(ResponseCode.E100, f"{name_of(element)} has text beside its elements")
    return children


def name_of(element: Element) -> str:
    """The local name of an element, cut where the sender made it longer than any of DUIS."""
    return element.tag.rpartition("}")[2][:_NAME_CHARACTERS_MAX]
