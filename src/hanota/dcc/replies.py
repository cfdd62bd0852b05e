"""What a device answers to a command, read: which command it names, and what it says.

A response has the code and counter of its command and the two parties exchanged; the alert of a
future-dated activation names the counter of its command in its content.

Not here: whether to believe it and what it does (`responses`).
"""

import msgspec

from hanota.dcc.commands import ACTIVATE_FIRMWARE, Answer
from hanota.rows import MessageKey
from hanota.wire.gbcs import cs06, cs08, ecs52, gcs38
from hanota.wire.gbcs.message import Cra, GbcsMessage
from hanota.wire.gbcs.use_cases import Content

VersionRead = (
    cs08.ReadFirmwareVersionResponse
    | ecs52.ReadFirmwareVersionResponse
    | gcs38.ReadFirmwareVersionResponse
)
Said = (
    cs06.ActivateFirmwareAccepted
    | cs06.ActivateFirmwareOutcome
    | cs06.FutureDatedActivationAlert
    | VersionRead
)


class Reply(msgspec.Struct, frozen=True):
    """What one message says of one command."""

    hub_id: int  # the hub that brought it
    device_id: int  # the device whose message it is
    answer: Answer
    key: MessageKey  # the same when it comes a second time
    command: MessageKey  # the command that it names
    command_code: int  # the message code that this command has to have
    said: Said
    message: GbcsMessage
    octets: bytes


def reply_of(
    hub_id: int, message: GbcsMessage, content: Content | None, octets: bytes
) -> Reply | None:
    """The reply that a message from behind a hub is, None where it answers no command.

    `content` is what `decode_content` makes of the message, `octets` are the message's own.
    """
    code, counter = message.message_code, message.counter
    match content:
        case cs06.ActivateFirmwareAccepted() as said:
            answer = Answer.ACCEPTANCE
        case cs06.ActivateFirmwareOutcome() as said:
            answer = Answer.OUTCOME
        case cs06.FutureDatedActivationAlert(originator_counter=counter) as said:
            answer, code = Answer.ALERT, ACTIVATE_FIRMWARE
        case (
            cs08.ReadFirmwareVersionResponse()
            | ecs52.ReadFirmwareVersionResponse()
            | gcs38.ReadFirmwareVersionResponse()
        ) as said:
            answer = Answer.VERSION
        case _:
            return None
    return Reply(
        hub_id=hub_id,
        device_id=message.originator,
        answer=answer,
        key=MessageKey(message.originator, message.target, message.cra, message.counter),
        command=MessageKey(message.target, message.originator, Cra.COMMAND, counter),
        command_code=code,
        said=said,
        message=message,
        octets=octets,
    )
