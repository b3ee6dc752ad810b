// Checks access tokens of authd. Needs WebCrypto and `fetch`, and nothing else: Node 20, Deno, Bun, edge runtimes.

import { takeApart } from "./jwt.js";
import { Keys } from "./keys.js";
import { LiveCheck } from "./live.js";
import { Refusal } from "./refusal.js";

export { Refusal };

/** How far the clocks of authd and of this machine may differ. */
const SKEW_S = 30;
const REPORT_EVERY_MS = 60_000;
/** Header `typ` of a token for the app itself, and of one for another party's resource (RFC 9068). */
const FIRST_PARTY = "JWT";
const FOR_A_RESOURCE = "at+jwt";

/** Creates a verifier. Create one per process: it holds the keys. */
export function createVerifier(options) {
  return new Verifier(options);
}

class Verifier {
  #issuer;
  #audience;
  #typ;
  #wall;
  #keys;
  #live;

  constructor({ issuer, url = issuer, audience, resource, live = false, ...seams }) {
    for (const [name, value] of Object.entries({ issuer, url })) {
      if (!URL.canParse(value)) throw new TypeError(`${name}: expected the URL of authd, got ${value}`);
    }
    for (const [name, value] of Object.entries({ audience, resource })) {
      const isText = typeof value === "string" && value !== "";
      if (value !== undefined && !isText) throw new TypeError(`${name}: expected a text, got ${value}`);
    }
    if (audience !== undefined && resource !== undefined) {
      throw new TypeError("audience and resource: expected one of them; a service checks one kind of token");
    }
    if (resource !== undefined && live) {
      throw new TypeError("live: authd answers for its own tokens only, not for those of a resource");
    }
    const { fetch = globalThis.fetch, now, onError = (message, cause) => console.error(`authd: ${message}:`, cause) } = seams;
    this.#issuer = issuer;
    this.#audience = audience ?? resource;
    this.#typ = resource === undefined ? FIRST_PARTY : FOR_A_RESOURCE;
    this.#wall = now ?? Date.now;
    // What is kept is measured by a clock that nobody sets.
    const clock = now ?? (() => performance.now());
    const parts = {
      url: url.replace(/\/+$/, ""),
      fetch: (...request) => fetch(...request),
      now: clock,
      report: once(onError, clock),
    };
    this.#keys = new Keys(parts);
    this.#live = live ? new LiveCheck(parts) : undefined;
  }

  /** Checks a token and returns its claims. Throws a `Refusal`. */
  async verify(token) {
    const parts = takeApart(token);
    if (parts === undefined || parts.typ !== this.#typ) throw new Refusal("INVALID_TOKEN");
    const key = await this.#keys.find(parts.kid);
    const isSigned = key?.alg === parts.alg && (await key.verifies(parts.signed, parts.signature));
    const claims = isSigned ? parts.claims() : undefined;
    if (claims === undefined) throw new Refusal("INVALID_TOKEN");
    this.#check(claims);
    const auth = { ...claims, roles: claims.roles ?? [] };
    if (this.#live === undefined) return auth;
    const { roles, permissions, email, username } = await this.#live.account(token, claims.jti);
    return { ...auth, roles, permissions, email, username };
  }

  /**
   * Checks the value of an `Authorization` header, and that the account has one of `roles` and all of `permissions`.
   * Returns the claims. Throws a `Refusal`.
   */
  async authorize(header, needs = {}) {
    this.assertPossible(needs);
    const auth = await this.verify(bearer(header));
    const mayPass = needs.roles?.some((role) => auth.roles.includes(role)) ?? true;
    if (!mayPass || !(needs.permissions ?? []).every((permission) => auth.permissions.includes(permission))) {
      throw new Refusal("INSUFFICIENT_PERMISSIONS");
    }
    return auth;
  }

  /** Throws a `TypeError` if a need is empty, or if this verifier can never grant it. */
  assertPossible({ roles, permissions }) {
    if (roles?.length === 0 || permissions?.length === 0) {
      throw new TypeError("expected at least one role or permission");
    }
    if (permissions !== undefined && this.#live === undefined) {
      throw new TypeError("permissions are not in the token: they need `live: true`");
    }
  }

  #check({ iss, sub, sid, jti, aud, exp, iat, nbf, roles }) {
    const now = this.#wall() / 1_000;
    const isText = (value) => typeof value === "string" && value !== "";
    const isOurs =
      iss === this.#issuer &&
      [sub, sid, jti].every(isText) &&
      this.#isForUs(aud) &&
      (roles === undefined || (Array.isArray(roles) && roles.every((role) => typeof role === "string"))) &&
      [exp, iat, nbf === undefined ? iat : nbf].every(Number.isSafeInteger) &&
      iat <= now + SKEW_S &&
      (nbf === undefined || nbf <= now + SKEW_S);
    if (!isOurs) throw new Refusal("INVALID_TOKEN");
    if (now >= exp + SKEW_S) throw new Refusal("TOKEN_EXPIRED");
  }

  /** A party that `aud` does not name must refuse the token (RFC 7519, section 4.1.3). */
  #isForUs(aud) {
    if (this.#audience === undefined) return aud === undefined;
    return aud === this.#audience || (Array.isArray(aud) && aud.includes(this.#audience));
  }
}

/** The token in an `Authorization` header. */
function bearer(header) {
  if (header === undefined || header === null || header === "") throw new Refusal("MISSING_AUTH_HEADER");
  const found = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(header);
  if (found === null) throw new Refusal("INVALID_TOKEN");
  return found[1];
}

/** Reports a message at most once a minute. */
function once(report, now) {
  const said = new Map();
  return (message, cause) => {
    if (now() < said.get(message)) return;
    said.set(message, now() + REPORT_EVERY_MS);
    report(message, cause);
  };
}
