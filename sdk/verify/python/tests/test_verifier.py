"""The verifier against a server of keys made here, with a clock that the test sets."""

import base64
import json
import logging
import threading
import unittest
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from authd_verify import Refusal, Verifier
from authd_verify._http import Answer, get_json
from authd_verify.fastapi import Authd
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from fastapi import FastAPI

ISSUER = "https://id.example.com"
START = 1_800_000_000
JWKS, ME = "/.well-known/jwks.json", "/v1/users/me"


def encode(data):
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class KeyPair:
    """A key pair whose public half authd would publish."""

    def __init__(self, kid):
        self.kid, self.secret = kid, ec.generate_private_key(ec.SECP256R1())
        numbers = self.secret.public_key().public_numbers()
        x, y = (encode(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
        self.jwk = {"kty": "EC", "use": "sig", "alg": "ES256", "kid": kid, "crv": "P-256", "x": x, "y": y}

    def sign(self, header, claims):
        signed = f"{encode(header)}.{encode(claims)}"
        r, s = decode_dss_signature(self.secret.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


class World:
    """A server of keys and accounts, and a verifier that asks it."""

    def __init__(self, *kids):
        self.keys = [KeyPair(kid) for kid in kids]
        self.time, self.asked, self.cache_control = START, [], "public, max-age=60"
        self.answers = {ME: (200, {"data": {"roles": ["admin"], "permissions": ["users.read"], "email": "a@b.c"}})}
        self.gate = threading.Event()
        self.gate.set()

    def verifier(self, **options):
        return Verifier(ISSUER, _get=self.get, _now=lambda: self.time, **options)

    def get(self, url, headers):
        path = url.removeprefix(ISSUER)
        self.asked.append(path)
        self.gate.wait(10)
        status, body = self.answers.get(path, (200, {"keys": [key.jwk for key in self.keys]}))
        if status == 0:
            raise ConnectionRefusedError
        return Answer(status, self.cache_control, body if status == 200 else None)

    def token(self, key=None, header=None, **claims):
        key = key or self.keys[0]
        known = {"iss": ISSUER, "sub": "a", "sid": "s", "jti": str(uuid.uuid4()), "roles": ["user"]}
        header = {"alg": "ES256", "kid": key.kid, "typ": "JWT", **(header or {})}
        return key.sign(header, {**known, "iat": self.time, "exp": self.time + 900, **claims})


class VerifierTest(unittest.TestCase):
    def setUp(self):
        self.world = World("1")
        logging.getLogger("authd_verify").addHandler(logging.NullHandler())

    def assert_refused(self, code, call, *arguments, **more):
        with self.assertRaises(Refusal) as caught:
            call(*arguments, **more)
        self.assertEqual(caught.exception.code, code)
        return caught.exception

    def test_many_requests_at_once_cause_one_fetch(self):
        world, found = self.world, []
        verifier, token = world.verifier(), world.token()
        world.gate.clear()
        threads = [threading.Thread(target=lambda: found.append(verifier.verify(token))) for _ in range(30)]
        for thread in threads:
            thread.start()
        world.gate.set()
        for thread in threads:
            thread.join()
        self.assertEqual((len(found), world.asked), (30, [JWKS]))

    def test_keys_are_kept_as_long_as_the_server_says_and_one_that_is_gone_then_is_refused(self):
        world = self.world
        verifier, token = world.verifier(), world.token()
        verifier.verify(token)
        world.keys = [KeyPair("2")]
        world.time += 59
        verifier.verify(token)
        self.assertEqual(len(world.asked), 1)
        world.time += 1
        self.assert_refused("INVALID_TOKEN", verifier.verify, token)
        self.assertEqual(len(world.asked), 2)

    def test_the_age_is_held_between_ten_seconds_and_an_hour(self):
        for cache_control, seconds in (("no-store", 60), ("max-age=0", 10), ("s-maxage=9, max-age=86400", 3600)):
            world = World("1")
            world.cache_control = cache_control
            verifier, token = world.verifier(), world.token(exp=START + 86_400)
            for after, fetches in ((0, 1), (seconds - 1, 1), (1, 2)):
                world.time += after
                verifier.verify(token)
                self.assertEqual(len(world.asked), fetches, cache_control)

    def test_unknown_keys_cause_one_fetch_a_minute_for_all_of_them_together(self):
        world = self.world
        verifier = world.verifier()
        strangers = [KeyPair(kid) for kid in "xyz"]
        self.assert_refused("INVALID_TOKEN", verifier.verify, world.token(strangers[0]))
        self.assertEqual(len(world.asked), 1, "the first fetch is not repeated")
        for stranger in strangers:
            self.assert_refused("INVALID_TOKEN", verifier.verify, world.token(stranger))
        self.assertEqual(len(world.asked), 2)
        world.keys.append(strangers[0])
        world.time += 59
        self.assert_refused("INVALID_TOKEN", verifier.verify, world.token(strangers[0]))
        world.time += 1
        self.assertEqual(verifier.verify(world.token(strangers[0])).sub, "a")
        self.assertEqual(len(world.asked), 3)

    def test_while_the_server_is_down_the_last_keys_stay_and_one_request_at_a_time_asks_again(self):
        world = self.world
        verifier, token = world.verifier(), world.token()
        verifier.verify(token)
        for answer in ((0, None), (500, None), (200, []), (200, {"keys": 1})):
            world.answers[JWKS] = answer
            world.time += 61
            self.assertEqual(verifier.verify(token).sub, "a", answer)
        self.assertEqual(len(world.asked), 5)
        world.time += 5
        world.gate.clear()
        waiting = threading.Thread(target=verifier.verify, args=(token,))
        waiting.start()
        while len(world.asked) < 6:
            pass
        verifier.verify(token)
        self.assertEqual(len(world.asked), 6)
        world.gate.set()
        waiting.join()

    def test_without_any_key_nothing_is_judged_until_there_is_one(self):
        world = self.world
        verifier, token = world.verifier(), world.token()
        for answer in ((0, None), (200, {"keys": []})):
            world.answers[JWKS] = answer
            world.time += 60
            refused = self.assert_refused("SERVICE_UNAVAILABLE", verifier.verify, token)
            self.assertEqual((refused.status, refused.headers["Retry-After"]), (503, "5"))
        del world.answers[JWKS]
        world.time += 60
        verifier.verify(token)

    def test_keys_that_cannot_check_a_signature_are_left_out(self):
        world = World("1", "enc", "alg", "curve", "point", "1")
        good, enc, alg, curve, point, again = world.keys
        enc.jwk["use"], alg.jwk["alg"], curve.jwk["crv"], point.jwk["x"] = "enc", "RS256", "P-384", point.jwk["y"]
        more = [
            {"kty": "oct", "kid": "secret", "alg": "HS256", "k": encode(b"secret")},
            {"kty": "RSA", "kid": "short", "n": encode(b"\xff" * 128), "e": "AQAB"},
            {**good.jwk, "kid": 7},
            {**good.jwk, "kid": "list", "kty": []},
            None,
        ]
        world.answers[JWKS] = (200, {"keys": [key.jwk for key in world.keys] + more})
        verifier = world.verifier()
        self.assertEqual(verifier.verify(world.token(good)).sub, "a")
        for key in (enc, alg, curve, point, again):
            self.assert_refused("INVALID_TOKEN", verifier.verify, world.token(key))

    def test_thirty_seconds_of_difference_between_clocks_are_allowed(self):
        world = self.world
        verifier = world.verifier()
        verifier.verify(world.token(exp=START - 29, iat=START + 30, nbf=START + 30))
        self.assert_refused("TOKEN_EXPIRED", verifier.verify, world.token(exp=START - 30))
        for name in ("iat", "nbf"):
            self.assert_refused("INVALID_TOKEN", verifier.verify, world.token(**{name: START + 31}))

    def test_a_token_is_for_whom_its_audience_says_and_of_the_kind_that_the_service_checks(self):
        app, api, at = "https://app.example", "https://api.example", {"typ": "at+jwt"}
        for options, claims, header, passes in (
            ({}, {}, {}, True),
            ({}, {"aud": app}, {}, False),
            ({}, {"aud": None}, {}, False),
            ({}, {"aud": app}, at, False),
            ({"audience": app}, {"aud": app}, {}, True),
            ({"audience": app}, {"aud": [api, app]}, {}, True),
            ({"audience": app}, {"aud": api}, {}, False),
            ({"audience": app}, {}, {}, False),
            ({"audience": app}, {"aud": app}, at, False),
            ({"resource": api}, {"aud": api}, at, True),
            ({"resource": api}, {"aud": app}, at, False),
            ({"resource": api}, {"aud": api}, {}, False),
        ):
            verifier, token = self.world.verifier(**options), self.world.token(header=header, **claims)
            if passes:
                verifier.verify(token)
            else:
                self.assert_refused("INVALID_TOKEN", verifier.verify, token)

    def test_what_cannot_work_is_refused_when_the_verifier_is_made(self):
        for issuer, options in (
            (None, {}),
            ("id.example.com", {}),
            (ISSUER, {"url": "here"}),
            (ISSUER, {"audience": ""}),
            (ISSUER, {"audience": ["a"]}),
            (ISSUER, {"audience": "a", "resource": "b"}),
            (ISSUER, {"resource": "b", "live": True}),
        ):
            with self.assertRaises(ValueError):
                Verifier(issuer, **options)
        with self.assertRaises(ValueError):
            self.world.verifier().authorize(f"Bearer {self.world.token()}", permissions=["users.read"])
        authd = Authd(FastAPI(), ISSUER)
        for require, names in ((authd.require_role, ()), (authd.require_permission, ("users.read",))):
            with self.assertRaises(ValueError):
                require(*names)

    def test_with_a_live_check_an_ended_session_is_refused_within_ten_seconds(self):
        world = self.world
        verifier, token = world.verifier(live=True), world.token()
        auth = verifier.verify(token)
        self.assertEqual((auth.roles, auth.permissions, auth.email), (("admin",), ("users.read",), "a@b.c"))
        header = f"Bearer {token}"
        verifier.authorize(header, roles=["owner", "admin"], permissions=["users.read"])
        for needs in ({"roles": ["user"]}, {"permissions": ["users.read", "users.write"]}):
            self.assert_refused("INSUFFICIENT_PERMISSIONS", verifier.authorize, header, **needs)
        world.answers[ME] = (401, None)
        world.time += 9
        verifier.verify(token)
        self.assertEqual(world.asked.count(ME), 1)
        world.time += 1
        self.assert_refused("TOKEN_REVOKED", verifier.verify, token)
        self.assert_refused("TOKEN_REVOKED", verifier.verify, token)
        self.assertEqual(world.asked.count(ME), 2)

    def test_a_live_check_without_an_answer_lets_no_request_pass_and_is_repeated_at_once(self):
        world = self.world
        verifier, token, works = world.verifier(live=True), world.token(), world.answers[ME]
        for answer in ((0, None), (429, None), (500, None), (200, {}), (200, {"data": {}}), (200, [])):
            world.answers[ME] = answer
            self.assert_refused("SERVICE_UNAVAILABLE", verifier.verify, token)
        world.answers[ME] = works
        verifier.verify(token)

    def test_a_refusal_is_a_response_as_authd_gives_it(self):
        verifier, good = self.world.verifier(), self.world.token()
        bad = 'Bearer error="invalid_token"'
        for header, roles, status, challenge in (
            (None, (), 401, "Bearer"),
            ("Bearer ", (), 401, bad),
            ("Basic abc", (), 401, bad),
            (f"Bearer {good}, Bearer {good}", (), 401, bad),
            (f"Bearer {good}\n", (), 401, bad),
            (f"Bearer {good}", ["admin"], 403, 'Bearer error="insufficient_scope"'),
        ):
            with self.assertRaises(Refusal) as caught:
                verifier.authorize(header, roles=roles)
            refusal = caught.exception
            self.assertEqual((refusal.status, refusal.headers["WWW-Authenticate"]), (status, challenge), header)
            self.assertEqual(refusal.body["error"]["code"], refusal.code)


class Handler(BaseHTTPRequestHandler):
    answers = {
        "/ok": b"HTTP/1.0 200 OK\r\nCache-Control: max-age=7\r\n\r\n{}",
        "/moved": b"HTTP/1.0 302 Found\r\nLocation: /ok\r\n\r\n",
        "/error": b"HTTP/1.0 500 Error\r\n\r\n{}",
        "/large": b"HTTP/1.0 200 OK\r\n\r\n" + b" " * 70_000 + b"{}",
        "/deep": b"HTTP/1.0 200 OK\r\n\r\n" + b"[" * 60_000,
        "/text": b"HTTP/1.0 200 OK\r\n\r\n<html>",
        "/rubbish": b"rubbish\r\n\r\n",
    }

    def do_GET(self):
        self.wfile.write(self.answers[self.path])

    def log_message(self, *_):
        pass


class HttpTest(unittest.TestCase):
    def test_only_json_of_authd_itself_is_an_answer(self):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        self.assertEqual(get_json(f"{base}/ok", {}), Answer(200, "max-age=7", {}))
        self.assertEqual(get_json(f"{base}/moved", {}).status, 302)
        self.assertEqual(get_json(f"{base}/error", {}), Answer(500, "", None))
        for path in ("large", "deep", "text", "rubbish"):
            with self.assertRaises((OSError, ValueError), msg=path):
                get_json(f"{base}/{path}", {})
        server.shutdown()
        server.server_close()
        with self.assertRaises(OSError):
            get_json(f"{base}/ok", {})


if __name__ == "__main__":
    unittest.main()
