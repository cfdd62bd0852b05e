"""The Default Response by which a party refuses a command of the OTA cluster."""

from hanota.han.effects import Effects, Send
from hanota.wire import ota_codec, zcl
from hanota.wire.codes import ZclStatus


def refuse(sender: int, message: ota_codec.Message, status: ZclStatus) -> Effects:
    """Answer a command with a Default Response, where ZCL8 2.5.12.2 lets one be sent.

    SUCCESS is a legal status: it says that a command without a response of its own was taken.
    """
    answer = zcl.default_response_to(ota_codec.encode(message), status)
    return () if answer is None else (Send(sender, answer),)
