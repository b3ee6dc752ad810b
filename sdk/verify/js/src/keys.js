// The public keys of authd (RFC 7517): fetched, kept as long as the server says, and fetched again for an unknown key.

import { getJson } from "./http.js";
import { decode } from "./jwt.js";
import { Refusal } from "./refusal.js";

const DEFAULT_AGE_S = 60;
const SHORTEST_AGE_S = 10;
const LONGEST_AGE_S = 3_600;
const RETRY_MS = 5_000;
/** At most one fetch for an unknown `kid` in this time, whatever tokens arrive. */
const UNKNOWN_KEY_MS = 60_000;
const SHORTEST_RSA_BITS = 2_048;

/** How the keys of each type check a signature. A shared secret (`oct`) has no place here. */
const TYPES = {
  EC: {
    alg: "ES256",
    members: ["crv", "x", "y"],
    curve: "P-256",
    key: { name: "ECDSA", namedCurve: "P-256" },
    check: { name: "ECDSA", hash: "SHA-256" },
  },
  OKP: { alg: "EdDSA", members: ["crv", "x"], curve: "Ed25519", key: { name: "Ed25519" }, check: { name: "Ed25519" } },
  RSA: {
    alg: "RS256",
    members: ["n", "e"],
    key: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    check: { name: "RSASSA-PKCS1-v1_5" },
  },
};

export class Keys {
  #url;
  #fetch;
  #now;
  #report;
  /** `kid` to what checks its signatures. */
  #known = new Map();
  #dueAt = -Infinity;
  #hasFailed = false;
  #unknownAllowedAt = -Infinity;
  #loading;
  /** How many fetches have begun. */
  #loads = 0;

  constructor({ url, fetch, now, report }) {
    this.#url = `${url}/.well-known/jwks.json`;
    this.#fetch = fetch;
    this.#now = now;
    this.#report = report;
  }

  /** The key of this id; `undefined` if authd has none. */
  async find(kid) {
    const begun = this.#loads;
    if (this.#now() >= this.#dueAt) {
      const load = this.#load();
      // While authd does not answer, requests with a known key do not wait for it.
      if (!this.#hasFailed || !this.#known.has(kid)) await load;
    }
    if (!this.#known.has(kid) && this.#mayLoadFor(begun)) await this.#load();
    if (this.#known.size === 0) throw new Refusal("SERVICE_UNAVAILABLE", `no public keys from ${this.#url}`);
    return this.#known.get(kid);
  }

  /** Whether an unknown key is a reason to fetch. Not if this call has just fetched. */
  #mayLoadFor(begun) {
    if (this.#loading !== undefined) return true;
    if (this.#loads !== begun || this.#now() < this.#unknownAllowedAt) return false;
    this.#unknownAllowedAt = this.#now() + UNKNOWN_KEY_MS;
    return true;
  }

  /** Fetches the keys, once for all requests that wait for them. */
  #load() {
    this.#loading ??= this.#read().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #read() {
    this.#loads += 1;
    try {
      const { response, body } = await getJson(this.#fetch, this.#url);
      if (!Array.isArray(body?.keys)) throw new Error(`not a set of keys (status ${response.status})`);
      this.#known = await imported(body.keys);
      this.#dueAt = this.#now() + age(response.headers.get("cache-control")) * 1_000;
      this.#hasFailed = false;
    } catch (error) {
      // The keys at hand stay: authd may be restarting.
      this.#dueAt = this.#now() + RETRY_MS;
      this.#hasFailed = true;
      this.#report(`${this.#url} cannot be read`, error);
    }
  }
}

/** How long keys are good, in seconds. */
function age(cacheControl) {
  const found = /(?:^|[,\s])max-age=(\d{1,9})/i.exec(cacheControl ?? "");
  return Math.min(Math.max(found === null ? DEFAULT_AGE_S : Number(found[1]), SHORTEST_AGE_S), LONGEST_AGE_S);
}

/** The keys that check signatures, by id. Others are left out (RFC 7517, section 5). */
async function imported(jwks) {
  const known = new Map();
  for (const jwk of jwks) {
    const key = await importedKey(jwk).catch(() => undefined);
    if (key !== undefined && !known.has(jwk.kid)) known.set(jwk.kid, key);
  }
  return known;
}

async function importedKey(jwk) {
  if (typeof jwk?.kid !== "string" || !Object.hasOwn(TYPES, jwk.kty)) return undefined;
  const type = TYPES[jwk.kty];
  // The key alone decides the algorithm.
  const fits = (jwk.alg ?? type.alg) === type.alg && (jwk.use ?? "sig") === "sig" && jwk.crv === type.curve;
  if (!fits) return undefined;
  const members = type.members.map((name) => [name, jwk[name]]);
  if (members.some(([name, value]) => name !== "crv" && !decode(String(value))?.length)) return undefined;
  const key = await crypto.subtle.importKey("jwk", { kty: jwk.kty, ...Object.fromEntries(members) }, type.key, false, [
    "verify",
  ]);
  if (key.algorithm.modulusLength < SHORTEST_RSA_BITS) return undefined;
  return {
    alg: type.alg,
    verifies: (signed, signature) => crypto.subtle.verify(type.check, key, signature, signed).catch(() => false),
  };
}
