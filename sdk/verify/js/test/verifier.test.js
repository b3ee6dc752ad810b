// The verifier against a server of keys made here, with a clock that the test sets.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createVerifier } from "../src/verifier.js";

const ISSUER = "https://id.example.com";
const START = 1_800_000_000_000;
const encode = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** A key pair whose public half authd would publish. */
async function makeKey(kid) {
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  return { kid, secret: pair.privateKey, jwk: { kty, use: "sig", alg: "ES256", kid, crv, x, y } };
}

/** A server of keys and accounts, and a verifier that asks it. */
class World {
  keys = [];
  time = START;
  asked = [];
  cacheControl = "public, max-age=60";
  answers = { "/v1/users/me": () => [200, { data: { roles: ["admin"], permissions: ["users.read"] } }] };
  reported = [];
  #gate;

  verifier(options = {}) {
    const seams = { fetch: this.fetch, now: () => this.time, onError: (message) => this.reported.push(message) };
    return createVerifier({ issuer: ISSUER, ...seams, ...options });
  }

  /** Holds every answer back until the returned function is called. */
  hold() {
    let open;
    this.#gate = new Promise((resolve) => (open = resolve));
    return open;
  }

  fetch = async (url, { headers }) => {
    const { pathname } = new URL(url);
    this.asked.push(pathname);
    await this.#gate;
    const [status, body] = this.answers[pathname]?.(headers) ?? [200, { keys: this.keys.map((key) => key.jwk) }];
    if (status === 0) throw new TypeError("connection refused");
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return new Response(text, { status, headers: { "cache-control": this.cacheControl } });
  };

  async token(key, claims = {}, header = {}) {
    const seconds = this.time / 1_000;
    const all = { iss: ISSUER, sub: "a", sid: "s", jti: crypto.randomUUID(), iat: seconds, exp: seconds + 900, roles: ["user"] };
    const signed = `${encode({ alg: "ES256", kid: key.kid, typ: "JWT", ...header })}.${encode({ ...all, ...claims })}`;
    const algorithm = { name: "ECDSA", hash: "SHA-256" };
    const signature = await crypto.subtle.sign(algorithm, key.secret, Buffer.from(signed));
    return `${signed}.${Buffer.from(signature).toString("base64url")}`;
  }
}

async function world(...kids) {
  const made = new World();
  for (const kid of kids) made.keys.push(await makeKey(kid));
  return made;
}

const refused = (promise, code) => assert.rejects(promise, (error) => error.code === code || assert.fail(error));

test("a hundred requests at once cause one fetch", async () => {
  const here = await world("1");
  const verifier = here.verifier();
  const token = await here.token(here.keys[0]);
  const open = here.hold();
  const all = Promise.all(Array.from({ length: 100 }, () => verifier.verify(token)));
  open();
  assert.equal((await all).length, 100);
  assert.equal(here.asked.length, 1);
});

test("keys are kept as long as the server says, and a key that is gone then is refused", async () => {
  const here = await world("1");
  const verifier = here.verifier();
  const token = await here.token(here.keys[0]);
  await verifier.verify(token);
  here.keys = [await makeKey("2")];
  here.time += 59_999;
  await verifier.verify(token);
  assert.equal(here.asked.length, 1);
  here.time += 1;
  await refused(verifier.verify(token), "INVALID_TOKEN");
  assert.equal(here.asked.length, 2);
});

test("what the server says about age is held between ten seconds and an hour", async () => {
  for (const [cacheControl, seconds] of [["no-store", 60], ["max-age=0", 10], ["max-age=86400", 3_600], ["s-maxage=9, max-age=120", 120]]) {
    const here = await world("1");
    here.cacheControl = cacheControl;
    const verifier = here.verifier();
    const token = await here.token(here.keys[0], { exp: START / 1_000 + 86_400 });
    await verifier.verify(token);
    here.time += seconds * 1_000 - 1;
    await verifier.verify(token);
    assert.equal(here.asked.length, 1, cacheControl);
    here.time += 1;
    await verifier.verify(token);
    assert.equal(here.asked.length, 2, cacheControl);
  }
});

test("unknown keys cause one fetch a minute, for all of them together", async () => {
  const here = await world("1");
  const verifier = here.verifier();
  await verifier.verify(await here.token(here.keys[0]));
  const strangers = await Promise.all(["x", "y", "z"].map(makeKey));
  const tokens = await Promise.all(strangers.map((key) => here.token(key)));
  await Promise.all(tokens.map((token) => refused(verifier.verify(token), "INVALID_TOKEN")));
  assert.equal(here.asked.length, 2);
  here.keys.push(strangers[0]);
  here.time += 30_000;
  await refused(verifier.verify(tokens[0]), "INVALID_TOKEN");
  assert.equal(here.asked.length, 2);
  here.time += 30_000;
  assert.equal((await verifier.verify(tokens[0])).sub, "a");
  assert.equal(here.asked.length, 3);
});

test("a new key is fetched at once, and the first fetch is not repeated for a key it lacks", async () => {
  const here = await world("1");
  const verifier = here.verifier();
  const [next, stranger] = await Promise.all(["2", "x"].map(makeKey));
  await refused(verifier.verify(await here.token(stranger)), "INVALID_TOKEN");
  assert.equal(here.asked.length, 1);
  here.keys.push(next);
  await verifier.verify(await here.token(next));
  assert.equal(here.asked.length, 2);
});

test("while the server is down the last keys stay, nothing waits, and it is asked again after five seconds", async () => {
  const here = await world("1");
  const verifier = here.verifier();
  const token = await here.token(here.keys[0]);
  await verifier.verify(token);
  for (const answer of [[0], [500, "{}"], [200, "<html>"], [200, "[]"], [200, { keys: 1 }], [200, " ".repeat(70_000) + '{"keys":[]}']]) {
    here.answers["/.well-known/jwks.json"] = () => answer;
    here.time += 61_000;
    assert.equal((await verifier.verify(token)).sub, "a", answer[1]);
  }
  assert.equal(here.asked.length, 7);
  assert.equal(here.reported.length, 6);
  const open = here.hold();
  here.time += 5_000;
  await verifier.verify(token);
  assert.equal(here.asked.length, 8);
  open();
});

test("without any key nothing is judged, until there is one", async () => {
  const here = await world("1");
  const verifier = here.verifier();
  const token = await here.token(here.keys[0]);
  for (const answer of [[0], [200, { keys: [] }]]) {
    here.answers["/.well-known/jwks.json"] = () => answer;
    here.time += 60_000;
    await refused(verifier.verify(token), "SERVICE_UNAVAILABLE");
    await refused(verifier.verify(token), "SERVICE_UNAVAILABLE");
  }
  delete here.answers["/.well-known/jwks.json"];
  here.time += 60_000;
  await verifier.verify(token);
});

test("keys that cannot check a signature are left out", async () => {
  const here = await world("1", "enc", "alg", "curve", "point", "1");
  const [good, enc, alg, curve, point, again] = here.keys;
  Object.assign(enc.jwk, { use: "enc" });
  Object.assign(alg.jwk, { alg: "RS256" });
  Object.assign(curve.jwk, { crv: "P-384" });
  Object.assign(point.jwk, { x: point.jwk.y });
  const more = [
    { kty: "oct", kid: "secret", alg: "HS256", k: encode("secret") },
    { kty: "RSA", kid: "short", n: Buffer.alloc(128, 0xff).toString("base64url"), e: "AQAB" },
    { kty: "constructor", kid: "odd" },
    { ...good.jwk, kid: 7 },
    null,
  ];
  here.answers["/.well-known/jwks.json"] = () => [200, { keys: [...here.keys.map((key) => key.jwk), ...more] }];
  const verifier = here.verifier();
  assert.equal((await verifier.verify(await here.token(good))).sub, "a");
  for (const key of [enc, alg, curve, point, again]) {
    await refused(verifier.verify(await here.token(key)), "INVALID_TOKEN");
  }
});

test("thirty seconds of difference between clocks are allowed", async () => {
  const here = await world("1");
  const verifier = here.verifier();
  const now = START / 1_000;
  const judged = async (claims) => verifier.verify(await here.token(here.keys[0], claims));
  await judged({ exp: now - 29, iat: now + 30, nbf: now + 30 });
  await refused(judged({ exp: now - 30 }), "TOKEN_EXPIRED");
  await refused(judged({ iat: now + 31 }), "INVALID_TOKEN");
  await refused(judged({ nbf: now + 31 }), "INVALID_TOKEN");
});

test("a token is for whom its audience says, and of the kind that the service checks", async () => {
  const here = await world("1");
  const [app, api, at] = ["https://app.example", "https://api.example", { typ: "at+jwt" }];
  const cases = [
    [{}, {}, {}, true],
    [{}, { aud: app }, {}, false],
    [{}, { aud: [] }, {}, false],
    [{}, { aud: app }, at, false],
    [{ audience: app }, { aud: app }, {}, true],
    [{ audience: app }, { aud: [api, app] }, {}, true],
    [{ audience: app }, { aud: api }, {}, false],
    [{ audience: app }, {}, {}, false],
    [{ audience: app }, { aud: app }, at, false],
    [{ resource: api }, { aud: api }, at, true],
    [{ resource: api }, { aud: app }, at, false],
    [{ resource: api }, { aud: api }, {}, false],
  ];
  for (const [options, claims, header, passes] of cases) {
    const judged = here.verifier(options).verify(await here.token(here.keys[0], claims, header));
    await (passes ? judged : refused(judged, "INVALID_TOKEN"));
  }
});

test("what cannot work is refused when the verifier is made", async () => {
  for (const options of [
    { issuer: undefined },
    { issuer: "id.example.com" },
    { issuer: ISSUER, url: "here" },
    { issuer: ISSUER, audience: "" },
    { issuer: ISSUER, audience: ["a"] },
    { issuer: ISSUER, audience: "a", resource: "b" },
    { issuer: ISSUER, resource: "b", live: true },
  ]) {
    assert.throws(() => createVerifier(options), TypeError, JSON.stringify(options));
  }
  const here = await world("1");
  const header = `Bearer ${await here.token(here.keys[0])}`;
  await assert.rejects(here.verifier().authorize(header, { permissions: ["users.read"] }), TypeError);
  await assert.rejects(here.verifier().authorize(header, { roles: [] }), TypeError);
  for (const { authd } of await Promise.all(["express", "hono", "next"].map((name) => import(`../src/${name}.js`)))) {
    assert.throws(() => authd({ issuer: ISSUER }).requirePermission("users.read"), TypeError);
  }
});

test("with a live check an ended session is refused within ten seconds, and one answer serves all", async () => {
  const here = await world("1");
  const verifier = here.verifier({ live: true });
  const token = await here.token(here.keys[0]);
  const asked = () => here.asked.filter((path) => path === "/v1/users/me").length;
  const found = await Promise.all([1, 2, 3].map(() => verifier.verify(token)));
  assert.deepEqual([found[2].roles, found[2].permissions], [["admin"], ["users.read"]]);
  here.answers["/v1/users/me"] = ({ authorization }) => [authorization === `Bearer ${token}` ? 401 : 500, "{}"];
  here.time += 9_999;
  await verifier.verify(token);
  assert.equal(asked(), 1);
  here.time += 1;
  await refused(verifier.verify(token), "TOKEN_REVOKED");
  await refused(verifier.verify(token), "TOKEN_REVOKED");
  assert.equal(asked(), 2);
});

test("a live check that gets no answer lets no request pass, and is repeated at once", async () => {
  const here = await world("1");
  const verifier = here.verifier({ live: true });
  const token = await here.token(here.keys[0]);
  const works = here.answers["/v1/users/me"];
  for (const answer of [[0], [429, "{}"], [500, "{}"], [200, "{}"], [200, { data: {} }]]) {
    here.answers["/v1/users/me"] = () => answer;
    await refused(verifier.verify(token), "SERVICE_UNAVAILABLE");
  }
  here.answers["/v1/users/me"] = works;
  const header = `Bearer ${token}`;
  await verifier.authorize(header, { roles: ["owner", "admin"], permissions: ["users.read"] });
  await refused(verifier.authorize(header, { permissions: ["users.read", "users.write"] }), "INSUFFICIENT_PERMISSIONS");
  await refused(verifier.authorize(header, { roles: ["user"] }), "INSUFFICIENT_PERMISSIONS");
});

test("a refusal is a response as authd gives it", async () => {
  const here = await world("1");
  const verifier = here.verifier();
  const good = await here.token(here.keys[0]);
  for (const [header, needs, code, status, challenge] of [
    [undefined, {}, "MISSING_AUTH_HEADER", 401, "Bearer"],
    ["Bearer ", {}, "INVALID_TOKEN", 401, 'Bearer error="invalid_token"'],
    [`Bearer ${good}, Bearer ${good}`, {}, "INVALID_TOKEN", 401, 'Bearer error="invalid_token"'],
    ["Basic abc", {}, "INVALID_TOKEN", 401, 'Bearer error="invalid_token"'],
    [`Bearer ${good}`, { roles: ["admin"] }, "INSUFFICIENT_PERMISSIONS", 403, 'Bearer error="insufficient_scope"'],
  ]) {
    const response = await verifier.authorize(header, needs).catch((error) => error.toResponse());
    assert.equal(response.status, status, header);
    assert.equal(response.headers.get("www-authenticate"), challenge);
    assert.equal((await response.json()).error.code, code);
  }
});
