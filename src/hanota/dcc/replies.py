"""What a device answers to a command, read: which command it names, and what it says.

A response has the code and counter of its command and the two parties exchanged; the alert of a
future-dated activation names the counter of its command in its content.

Not here: whether to believe it and what it does (`responses`).
"""

import msgspec

from hanota.dcc.commands import ACTIVATE_FIRMWARE, Answer
from hanota.limits import FIRMWARE_VERSION_CHARACTERS_MAX
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


def version_that_runs(reply: Reply) -> str | None:
    """The version that the device says it runs now, as the inventory writes it; None for none.

    Every outcome of CS06 names it, a failed one too: what a device says, signed, that it runs it
    runs. A version of more octets than a DUIS FirmwareVersion has room for is none.
    """
    match reply.said:
        case (
            cs06.ActivateFirmwareOutcome(firmware_version=version)
            | cs06.FutureDatedActivationAlert(
                outcome=cs06.ActivateFirmwareOutcome(firmware_version=version)
            )
        ):
            octets: bytes | None = version
        case cs06.ActivateFirmwareAccepted():
            octets = None
        case cs08.ReadFirmwareVersionResponse(version, result):
            octets = version if result is cs08.ReadResult.SUCCESS else None
        case (
            ecs52.ReadFirmwareVersionResponse(firmware_version=read)
            | gcs38.ReadFirmwareVersionResponse(firmware_version=read)
        ):
            octets = read
    if not octets or 2 * len(octets) > FIRMWARE_VERSION_CHARACTERS_MAX:
        return None
    return octets.hex().upper()
