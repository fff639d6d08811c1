"""Tokens: what is let in and what is not; credentials of a relay against OpenSSL and a published HMAC."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from calls import KEYS, token
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsr.errors import UserError
from mrsr.streaming.limits import Limits
from mrsr.streaming.nonces import UsedOnce
from mrsr.streaming.protocol import Caps
from mrsr.streaming.refusals import Code, ProtocolError
from mrsr.streaming.tokens import Grant, Keys, issue, main, new_key, verify
from mrsr.streaming.turn import turn_credentials

LIMITS = Limits()
FIRST = KEYS.secrets["first"]


def encoded(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: Any, claims: Any, secret: str = FIRST, digest: str = "sha256") -> str:
    """A JSON Web Token made by hand, after RFC 7515."""
    text = f"{encoded(header)}.{encoded(claims)}"
    return f"{text}.{encoded(hmac.new(secret.encode(), text.encode(), digest).digest())}"


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    whole = {"aud": "mrsr", "iat": now, "exp": now + 60, "room": "r", "role": "publish"} | changed
    return {name: value for name, value in whole.items() if value is not None}


HEADER = {"alg": "HS256", "typ": "JWT", "kid": "first"}


def refused(forged: str) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        verify(KEYS, forged, LIMITS)
    assert caught.value.code is Code.TOKEN
    assert FIRST not in caught.value.text
    return caught.value


def test_a_token_made_by_hand_after_the_standard_is_taken() -> None:
    caps = {"maxHeight": 720, "maxFps": 30}
    grant = verify(KEYS, signed(HEADER, claims(sub="ann", caps=caps, jti="n1", once=True)), LIMITS)
    assert (grant.room, grant.role, grant.name, grant.once) == ("r", "publish", "ann", True)
    assert grant.caps == Caps(720, 30)


def test_what_is_issued_says_what_was_granted() -> None:
    given_ = Grant("r", "subscribe", "bob", Caps(360, max_kbps=500, codecs=("VP8",)), once=True, nonce="abc")
    text = issue(KEYS, given_, 600, time.time())
    read_back = verify(KEYS, text, LIMITS)
    assert (read_back.room, read_back.caps, read_back.nonce) == ("r", given_.caps, "abc")
    body = json.loads(base64.urlsafe_b64decode(text.split(".")[1] + "=="))
    assert body["exp"] - body["iat"] == 600
    assert body["caps"] == {"maxHeight": 360, "maxKbps": 500, "codecs": ["VP8"]}
    assert jwt.get_unverified_header(text) == HEADER


def test_a_second_key_is_taken_and_a_removed_one_is_not() -> None:
    old = issue(Keys({"second": KEYS.secrets["second"]}), Grant("r", "both"), 60, time.time())
    assert verify(KEYS, old, LIMITS).role == "both"
    with pytest.raises(ProtocolError):
        verify(Keys({"first": FIRST}), old, LIMITS)


@pytest.mark.parametrize(
    "forged",
    [
        f"{encoded({'alg': 'none', 'kid': 'first'})}.{encoded(claims())}.",
        f"{encoded({'alg': 'none'})}.{encoded(claims())}.",
        signed(HEADER | {"alg": "none"}, claims()),
        signed(HEADER | {"alg": "HS512"}, claims(), digest="sha512"),
        signed(HEADER | {"alg": "RS256"}, claims()),
        signed(HEADER, claims(), "x" * 40),
        signed(HEADER, claims(), KEYS.secrets["second"]),
        signed(HEADER | {"kid": "third"}, claims()),
        signed(HEADER | {"kid": None}, claims()),
        signed(HEADER | {"kid": ["first"]}, claims()),
        signed(HEADER | {"kid": "../first"}, claims()),
        signed({"alg": "HS256"}, claims()),
        signed(HEADER | {"crit": ["b64"], "b64": False}, claims()),
        signed(HEADER, claims(exp=int(time.time()) - 60, iat=int(time.time()) - 120)),
        signed(HEADER, claims(exp=None)),
        signed(HEADER, claims(iat=None)),
        signed(HEADER, claims(aud=None)),
        signed(HEADER, claims(aud="other")),
        signed(HEADER, claims(exp=int(time.time()) + 10**6)),
        signed(HEADER, claims(exp="soon")),
        signed(HEADER, claims(exp=1e308)),
        signed(HEADER, claims(iat=int(time.time()) + 3600, exp=int(time.time()) + 3700)),
        signed(HEADER, claims(room=None)),
        signed(HEADER, claims(room="a/b")),
        signed(HEADER, claims(role="admin")),
        signed(HEADER, claims(caps={"maxHeight": -1})),
        signed(HEADER, claims(caps=7)),
        signed(HEADER, claims(once=1, jti="x")),
        signed(HEADER, claims(once=True)),
        signed(HEADER, [1]),
        signed(b"[" * 1100, claims()),
        signed(b"\xff\xfe", claims()),
        "",
        "a.b",
        "a.b.c.d",
        "." * 2000,
        "x" * 5000,
    ],
)
def test_a_forged_token_is_refused(forged: str) -> None:
    refused(forged)


def test_a_token_with_one_character_changed_is_refused() -> None:
    good = token()
    for at in range(0, len(good) - 1, 7):
        refused(good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :])


def test_an_expired_token_says_so() -> None:
    late = issue(KEYS, Grant("r", "both"), 10, time.time() - 60)
    assert "expired" in refused(late).text


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=300)
    | st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit"]), st.text()).map(lambda header: signed(header, {}))
)
def test_no_text_makes_anything_but_a_protocol_error(forged: str) -> None:
    refused(forged)


def test_a_single_use_token_is_used_once_until_it_runs_out() -> None:
    now = [1000.0]
    used = UsedOnce(2, lambda: now[0])
    one, two, three = (Grant("r", "both", once=True, nonce=name, expires=1060.0) for name in "abc")
    used.use(one)
    with pytest.raises(ProtocolError, match="has been used"):
        used.use(one)
    used.use(two)
    with pytest.raises(ProtocolError) as caught:
        used.use(three)
    assert caught.value.code is Code.FULL
    with pytest.raises(ProtocolError, match="has been used"):
        used.use(one)
    now[0] = 1100.0
    used.use(three)
    assert len(used) == 1
    many = Grant("r", "both", nonce="a", expires=2000.0)
    used.use(many), used.use(many)


def test_a_key_file_is_read_in_order_and_its_secrets_are_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"# ours\n\n{new_key()}\nold {'z' * 32}\n")
    keys = Keys.read(path)
    assert list(keys.secrets)[1] == "old"
    assert "zzz" not in repr(keys)


@pytest.mark.parametrize("lines", ["", "# nothing\n", "id short\n", "id\n", f"a {'x' * 32}\na {'y' * 32}\n", "i d x\n"])
def test_a_key_file_that_is_none_is_named_without_its_secrets(tmp_path: Path, lines: str) -> None:
    path = tmp_path / "keys"
    path.write_text(lines)
    with pytest.raises(UserError, match=r"token keys .*keys") as caught:
        Keys.read(path)
    assert "xxxx" not in str(caught.value)
    with pytest.raises(UserError, match="No such file"):
        Keys.read(tmp_path / "none")


def test_the_command_makes_keys_and_tokens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "keys"
    assert main(["key"]) == 0
    path.write_text(capsys.readouterr().out)
    issued = ["issue", "--token-key", str(path), "--room", "team", "--role", "subscribe", "--max-height", "720"]
    assert main([*issued, "--seconds", "600", "--once"]) == 0
    grant = verify(Keys.read(path), capsys.readouterr().out.strip(), LIMITS)
    assert (grant.room, grant.role, grant.caps.max_height, grant.once) == ("team", "subscribe", 720, True)
    for wrong in (["--seconds", "0"], ["--seconds", "90000"], ["--room", "a b"], ["--max-height", "1"]):
        assert main([*issued, *wrong]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_the_command_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "mrsr.streaming.tokens", "key"], capture_output=True, text=True)
    assert (done.returncode, done.stderr, len(done.stdout.split())) == (0, "", 2)


def test_relay_credentials_are_the_published_hmac_of_the_time_and_name() -> None:
    # RFC 2202, test case 2, with the function the credentials are made of; then the scheme with OpenSSL, as coturn's
    # README gives it: echo -n $USER | openssl dgst -binary -sha1 -hmac $SECRET | openssl base64.
    vector = hmac.new(b"Jefe", b"what do ya want for nothing?", hashlib.sha1).hexdigest()
    assert vector == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
    made = turn_credentials("north", "mbzrxpgjys", 86400, 1_433_895_918.7)
    assert made.username == "1433982318:mbzrxpgjys"
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    hashed = subprocess.run(
        ["openssl", "dgst", "-binary", "-sha1", "-hmac", "north"],
        input=made.username.encode(),
        capture_output=True,
        check=True,
    )
    assert made.credential == base64.b64encode(hashed.stdout).decode()


@pytest.mark.parametrize(("secret", "name", "seconds"), [("", "a", 60), ("s", "a:b", 60), ("s", "", 60), ("s", "a", 0)])
def test_relay_credentials_of_nothing_are_refused(secret: str, name: str, seconds: int) -> None:
    with pytest.raises(UserError):
        turn_credentials(secret, name, seconds, 0.0)
