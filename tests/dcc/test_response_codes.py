"""The table of response codes says something of each code, and what of it is sourced."""

from hanota.dcc.response_codes import RESPONSE_CODES
from hanota.dcc.update_firmware import UPDATE_SERVICES
from hanota.wire.codes import ResponseCode


def test_every_code_has_its_meaning_and_its_check():
    assert set(RESPONSE_CODES) == set(ResponseCode)
    assert all(row.meaning and row.check for row in RESPONSE_CODES.values())


def test_only_what_a_public_text_says_is_marked_as_sourced():
    sourced = {code for code, row in RESPONSE_CODES.items() if row.sourced}
    assert sourced == {ResponseCode.I0, ResponseCode.I99, ResponseCode.E5}


def test_the_codes_of_a_service_stand_under_its_number():
    for reference, service in UPDATE_SERVICES.items():
        for name in (
            "accepted_in_part",
            "image_malformed",
            "no_product_entry",
            "image_not_acceptable",
            "no_device_left",
        ):
            code = getattr(service, name)
            assert RESPONSE_CODES[code].meaning.startswith(reference)
            assert code[1:5] == {"11.1": "1101", "11.4": "1104"}[reference]
