"""The operator's way in: only with the secret, and a fault is a sentence."""

import asyncio
import json

import httpx
import pytest

from hanota.errors import LocalError, RemoteError
from hanota.serve.operator_http import door, operator_service
from hanota.wire.codes import ImageFault

SECRET = "a secret"  # of this test


async def add(parameters, body):
    return {"told": parameters, "octets": len(body)}


async def fail(_parameters, _body):
    raise LocalError("that is not possible")


async def misread(_parameters, _body):
    raise RemoteError(ImageFault.MAGIC, "that is no image")


ACTS = {"add": add, "fail": fail, "misread": misread}


def asked(path, secret=SECRET, method="POST", **more):
    async def main():
        transport = httpx.ASGITransport(operator_service(ACTS, SECRET))
        async with httpx.AsyncClient(transport=transport, base_url="http://dcc") as client:
            headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
            return await client.request(method, path, headers=headers, **more)

    return asyncio.run(main())


def test_an_act_is_done_and_told():
    answer = asked("/add", params={"a": "b"}, content=b"123")
    assert (answer.status_code, answer.json()) == (200, {"told": {"a": "b"}, "octets": 3})


@pytest.mark.parametrize("secret", [None, "", "another", SECRET + "x", SECRET[:-1]])
def test_nobody_without_the_secret(secret):
    assert asked("/add", secret).status_code == 403


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [("/fail", 409, "that is not possible"), ("/misread", 400, "that is no image")],
)
def test_a_fault_is_a_sentence(path, status, sentence):
    answer = asked(path)
    assert (answer.status_code, answer.json()) == (status, sentence)


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/add", 405), ("POST", "/x", 404)])
def test_nothing_else(method, path, status):
    assert asked(path, method=method).status_code == status


def test_the_door_is_its_owners_and_closes(tmp_path):
    path = tmp_path / "operator.json"
    path.write_text("left by one that crashed, for all to read")
    path.chmod(0o644)
    with door(tmp_path, 1234, SECRET):
        assert path.stat().st_mode & 0o777 == 0o600
        assert json.loads(path.read_text()) == {"port": 1234, "secret": SECRET}
    assert not path.exists()
