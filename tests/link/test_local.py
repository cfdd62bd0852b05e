"""What every link promises, shown on the link inside one process."""

from hanota.link.local import LocalLink, Message

HUB, DCC = 1, 2


def message(number, body=b"x"):
    return Message(sender=HUB, receiver=DCC, number=number, body=body)


def link():
    return LocalLink(latency_ms=100, retry_ms=1000)


def test_a_message_arrives_after_the_latency_and_stays_until_acknowledged():
    wan = link()
    wan.send(message(1), now_ms=0)
    assert wan.next_at_ms() == 100
    assert wan.receive(99, 10) == []
    assert wan.receive(100, 10) == [message(1)]
    assert wan.receive(101, 10) == []
    assert wan.receive(1100, 10) == [message(1)]
    wan.acknowledge(message(1))
    assert wan.acknowledged() == [(HUB, 1)]
    assert wan.acknowledged() == []
    assert wan.receive(9999, 10) == []
    assert wan.next_at_ms() is None


def test_a_message_sent_again_while_under_way_is_one_message():
    wan = link()
    wan.send(message(1), now_ms=0)
    wan.send(message(1), now_ms=50)
    assert wan.receive(200, 10) == [message(1)]


def test_order_and_limit_are_kept():
    wan = link()
    for number in range(5):
        wan.send(message(number), now_ms=0)
    assert [m.number for m in wan.receive(100, 3)] == [0, 1, 2]
    assert [m.number for m in wan.receive(100, 3)] == [3, 4]


def test_an_acknowledgement_twice_or_of_nothing_counts_once():
    wan = link()
    wan.send(message(1), now_ms=0)
    wan.acknowledge(message(7))
    wan.acknowledge(message(1))
    wan.acknowledge(message(1))
    assert wan.acknowledged() == [(HUB, 1)]
