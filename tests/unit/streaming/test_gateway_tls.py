"""TLS by the gateway itself: its files, and when browsers are told to come by HTTPS alone."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from pathlib import Path

import aiohttp
import pytest
from calls import KEYS, QUICK, EchoWorker

from mrsr.errors import UserError
from mrsr.streaming.app import make_app
from mrsr.streaming.gate import Gate
from mrsr.streaming.gateway import Listen, listening, tls_of
from mrsr.streaming.origin import Places

HSTS = "Strict-Transport-Security"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of localhost that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days"]
    made += ["2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


@pytest.mark.parametrize(
    ("asked", "host", "told"),
    [
        (False, "call.example", None),
        (True, "call.example:8443", "max-age=31536000"),
        # A year for every port of the developer's own machine.
        (True, "localhost:8443", None),
        (True, "[::1]:8443", None),
    ],
)
def test_browsers_are_told_to_come_by_https_alone_where_that_is_asked_and_never_of_this_machine(
    files: tuple[Path, Path], asked: bool, host: str, told: str | None
) -> None:
    certificate, key = files

    async def scenario() -> None:
        places = Places(Places().hosts | {"call.example"})
        app = make_app(Gate(EchoWorker(), KEYS, QUICK, places, hsts=asked))
        async with listening(app, Listen(port=0, certificate=certificate, private_key=key)) as url:
            trusts = ssl.create_default_context(cafile=str(certificate))
            async with aiohttp.ClientSession() as http:
                named = url.replace("127.0.0.1", "localhost")
                async with http.get(f"{named}/api/config", ssl=trusts, headers={"Host": host}) as response:
                    assert (response.status, response.headers.get(HSTS)) == (200, told)

    asyncio.run(scenario())


def test_files_that_are_no_certificate_and_key_are_named(files: tuple[Path, Path], tmp_path: Path) -> None:
    certificate, key = files
    for wrong in (Listen(certificate=certificate), Listen(certificate=key, private_key=certificate)):
        with pytest.raises(UserError, match="TLS"):
            tls_of(wrong)
    with pytest.raises(UserError, match="No such file"):
        tls_of(Listen(certificate=tmp_path / "no.pem", private_key=key))
