// The client against a server in test mode, in Node, where it has no cookies and no other tabs:
// AUTHD=http://127.0.0.1:3000 node --test sdk/js/test/client.test.mjs
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { AuthdError, createClient } from "../authd.js";

const url = process.env.AUTHD;
const PASSWORD = "correct-horse-staple-7";

async function server(method, path, body) {
  const response = await fetch(url + path, { method, body: body && JSON.stringify(body) });
  const text = await response.text();
  assert.ok(response.ok, `${path}: ${text}`);
  return text && JSON.parse(text);
}

const user = (more = {}) => server("POST", "/test/users", { password: PASSWORD, ...more });

/** A client, and what it asks for. */
function client(options = {}) {
  const asked = [];
  const watching = (input, init) => {
    asked.push(new URL(input.url ?? input).pathname.replace("/v1", ""));
    return (options.fetch ?? fetch)(input, init);
  };
  return { asked, client: createClient({ url, storage: "memory", ...options, fetch: watching }) };
}

const refused = (code, status) => (error) =>
  error instanceof AuthdError && error.code === code && error.status === status;

beforeEach(() => server("DELETE", "/test"));

test("a person signs up, verifies the address, logs in and out", async () => {
  const { client: me } = client();
  const email = "jo@example.com";
  const states = [];
  me.onChange((state) => states.push([state.status, state.user?.email]));
  assert.equal(me.state.status, "unknown");
  assert.equal((await me.signUp({ email, password: PASSWORD })).email, email);
  const [mail] = await server("GET", `/test/mails?to=${email}`);
  const token = mail.links[0].split("token=")[1];
  await me.call("post", "/auth/verify-email", { body: { token }, anonymous: true });
  await assert.rejects(me.logIn({ email, password: "another password" }), refused("INVALID_CREDENTIALS", 401));
  const login = await me.logIn({ email, password: PASSWORD });
  assert.equal(login.status, "in");
  assert.equal(login.user.email, email);
  assert.equal((await me.call("get", "/users/me")).email, email);
  const sessions = await me.call("get", "/users/me/sessions");
  assert.equal(sessions.length, 1);
  await me.logOut();
  assert.deepEqual(states, [["in", email], ["out", undefined]]);
  assert.equal(await me.accessToken(), null);
  await assert.rejects(me.call("get", "/users/me"), refused("MISSING_AUTH_HEADER", 401));
});

test("an invalid field is named", async () => {
  const { client: me } = client();
  await assert.rejects(me.signUp({ email: "jo", password: PASSWORD }), (error) => {
    assert.equal(error.code, "VALIDATION_ERROR");
    assert.equal(error.details[0].field, "email");
    assert.match(error.requestId, /./);
    return true;
  });
});

test("a second factor completes the login", async () => {
  const { client: me } = client();
  const jo = await user({ factor: "totp" });
  const login = await me.logIn({ email: jo.email, password: PASSWORD });
  assert.equal(login.status, "mfa");
  assert.deepEqual(login.challenge.methods, ["totp", "backup_code"]);
  assert.equal(me.state.status, "unknown");
  await assert.rejects(login.challenge.verify("000000"), refused("INVALID_MFA_CODE", 400));
  assert.equal((await login.challenge.verify(jo.totp.code)).email, jo.email);
  assert.equal(me.state.status, "in");
});

test("an expired access token is refreshed once, and the call repeated with its body", async () => {
  const { client: me, asked } = client();
  const jo = await user();
  await me.logIn({ email: jo.email, password: PASSWORD });
  // The client's own clock does not see it: the server refuses the token.
  await server("POST", "/test/clock", { advance: "16m" });
  asked.length = 0;
  const body = JSON.stringify({ firstName: "Joe" });
  const init = { method: "PUT", body, headers: { "content-type": "application/json" } };
  const answers = await Promise.all([
    me.fetch(`${url}/v1/users/me`, init),
    me.fetch(new Request(`${url}/v1/users/me`, init)),
    me.call("get", "/users/me"),
  ]);
  assert.deepEqual([answers[0].status, answers[1].status, answers[2].email], [200, 200, jo.email]);
  assert.equal(asked.filter((path) => path === "/auth/refresh").length, 1, asked.join());
  assert.equal(me.state.user.firstName, null);
  assert.equal((await me.reload()).user.firstName, "Joe");
});

test("a login while a refresh is on its way counts for what waits for it", async () => {
  let hold = null;
  const { client: me } = client({ fetch: async (...call) => (await hold?.(call[0]), fetch(...call)) });
  const [jo, ann] = [await user(), await user({ email: "ann@example.com" })];
  await me.logIn({ email: jo.email, password: PASSWORD });
  await server("POST", "/test/clock", { advance: "16m" });
  let release;
  const held = new Promise((resolve) => (release = resolve));
  const begun = new Promise((resolve) => {
    hold = (input) => {
      if (!String(input).endsWith("/auth/refresh")) return undefined;
      resolve();
      return held;
    };
  });
  const waiting = me.call("get", "/users/me");
  await begun;
  await me.logIn({ email: ann.email, password: PASSWORD });
  release();
  assert.equal((await waiting).email, ann.email);
});

test("a session that has ended is noticed, and the answer is still the server's", async () => {
  const { client: me, asked } = client();
  const jo = await user();
  await me.logIn({ email: jo.email, password: PASSWORD });
  const { client: other } = client();
  await other.logIn({ email: jo.email, password: PASSWORD });
  await other.logOut({ everywhere: true });
  asked.length = 0;
  assert.equal((await me.fetch(`${url}/v1/users/me`)).status, 401);
  assert.equal(me.state.status, "out");
  assert.equal((await me.fetch(`${url}/v1/users/me`)).status, 401);
  assert.ok(asked.filter((path) => path === "/auth/refresh").length <= 5, asked.join());
  await me.logOut();
});

test("no failure of the network or the server logs a user out", async () => {
  let fail = null;
  const { client: me } = client({ fetch: (...call) => (fail ? fail() : fetch(...call)) });
  const jo = await user();
  await me.logIn({ email: jo.email, password: PASSWORD });
  await server("POST", "/test/clock", { advance: "16m" });
  const broken = (status) => () => Promise.resolve(new Response("<html>", { status }));
  for (const [how, code, status] of [
    [() => Promise.reject(new TypeError("no network")), "NETWORK_ERROR", 0],
    [broken(502), "UNEXPECTED_RESPONSE", 502],
  ]) {
    fail = how;
    await assert.rejects(me.call("get", "/users/me"), refused(code, status));
    await assert.rejects(me.logOut(), refused(code, status));
    assert.equal(me.state.status, "in");
  }
  fail = null;
  assert.equal((await me.call("get", "/users/me")).email, jo.email);
});

test("clients with one storage share the session, also when they refresh at once", async () => {
  const kept = new Map();
  const storage = {
    get: async () => kept.get("token"),
    set: async (token) => void (token ? kept.set("token", token) : kept.delete("token")),
  };
  const jo = await user();
  const first = client({ storage }).client;
  await first.logIn({ email: jo.email, password: PASSWORD });
  const others = [1, 2, 3, 4].map(() => client({ storage }).client);
  for (let round = 0; round < 10; round++) {
    await server("POST", "/test/clock", { advance: "16m" });
    const found = await Promise.all(others.map((one) => one.call("get", "/users/me")));
    assert.ok(found.every(({ email }) => email === jo.email));
  }
  assert.equal((await others[0].restore()).status, "in");
  await others[0].logOut();
  assert.equal(kept.size, 0);
  assert.equal((await createClient({ url, storage }).restore()).status, "out");
});

test("a listener that throws or waits holds nothing up", async (context) => {
  // Node's test runner would take the error for its own.
  const thrown = new Promise((resolve) => {
    context.mock.method(globalThis, "queueMicrotask", (run) => {
      try {
        run();
      } catch (error) {
        resolve(error);
      }
    });
  });
  const { client: me } = client();
  const jo = await user();
  me.onChange(() => {
    throw new Error("mine");
  });
  // A call from a listener does not wait for itself.
  const inside = new Promise((resolve) => me.onChange(() => resolve(me.call("get", "/users/me"))));
  await me.logIn({ email: jo.email, password: PASSWORD });
  assert.equal((await inside).email, jo.email);
  assert.equal((await thrown).message, "mine");
});

test("after dispose no listener is called", async () => {
  const { client: me } = client();
  const jo = await user();
  let calls = 0;
  const end = me.onChange(() => calls++);
  await me.logIn({ email: jo.email, password: PASSWORD });
  end();
  me.onChange(() => calls++);
  me.dispose();
  await me.logOut();
  assert.equal(calls, 1);
});

test("an offer of a passkey is renewed before its challenge is too old", async (context) => {
  const asked = [];
  const timers = [];
  const start = globalThis.setTimeout;
  context.mock.method(globalThis, "setTimeout", (act, wait, ...more) =>
    wait === 480_000 ? timers.push(act) : start(act, wait, ...more));
  globalThis.PublicKeyCredential = { parseRequestOptionsFromJSON: (options) => options };
  const credentials = {
    get: (options) => new Promise((resolve, reject) => {
      asked.push({ ...options, resolve });
      options.signal.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
    }),
  };
  Object.defineProperty(globalThis, "navigator", { value: { credentials }, configurable: true });
  let gate;
  const gated = async (...request) => {
    const before = gate;
    const answer = await fetch(...request);
    await before;
    return answer;
  };
  const { client: me, asked: paths } = client({ fetch: gated });
  const until = async (count) => {
    while (asked.length < count) await new Promise((resolve) => setImmediate(resolve));
  };
  const offer = me.logInWithPasskey({ conditional: true });
  await until(1);
  assert.equal(asked[0].mediation, "conditional");
  timers[0]();
  await until(2);
  assert.ok(asked[0].signal.aborted && !asked[1].signal.aborted);
  assert.notEqual(asked[0].publicKey.challenge, asked[1].publicKey.challenge);
  assert.equal(asked[1].mediation, "conditional");
  // The button ends the offer.
  const button = me.logInWithPasskey();
  assert.equal(await offer, null);
  await until(3);
  asked[2].resolve(null);
  assert.equal(await button, null);
  assert.equal(asked.length, 3);

  // A renewal does not end a ceremony that began meanwhile.
  const second = me.logInWithPasskey({ conditional: true });
  await until(4);
  let goOn;
  gate = new Promise((resolve) => { goOn = resolve; });
  const before = paths.length;
  timers.at(-1)();
  while (paths.length === before) await new Promise((resolve) => setImmediate(resolve));
  gate = undefined;
  const pressed = me.logInWithPasskey();
  await until(5);
  goOn();
  assert.equal(await second, null);
  assert.ok(!asked[4].signal.aborted);
  asked[4].resolve(null);
  assert.equal(await pressed, null);
  assert.equal(asked.length, 5);
});
