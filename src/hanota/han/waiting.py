"""The pair of times by which an OTA server says when (ZCL8 11.13.8, 11.13.9)."""


def wait_ms(current_time_s: int, then_s: int, *, past_ms: int) -> int:
    """How long a pair of times asks a client to wait.

    A `current_time_s` of 0 makes `then_s` a duration. Otherwise both are UTC by the server's
    clock, and their difference counts, whatever the client's clock says; `past_ms` is the answer
    where `then_s` lies before `current_time_s`.
    """
    if current_time_s == 0:
        return then_s * 1000
    if then_s < current_time_s:
        return past_ms
    return (then_s - current_time_s) * 1000
