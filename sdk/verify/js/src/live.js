// Asks authd whether a session still exists. An answer is used for ten seconds.

import { getJson } from "./http.js";
import { Refusal } from "./refusal.js";

const KEPT_MS = 10_000;
const MOST_KEPT = 10_000;

export class LiveCheck {
  #url;
  #fetch;
  #now;
  #report;
  /** `jti` to the answer and until when it is used, oldest first. */
  #kept = new Map();

  constructor({ url, fetch, now, report }) {
    this.#url = `${url}/v1/users/me`;
    this.#fetch = fetch;
    this.#now = now;
    this.#report = report;
  }

  /** The account behind a verified token as authd has it now. Refuses a token whose session has ended. */
  async account(token, jti) {
    const kept = this.#kept.get(jti);
    if (kept !== undefined && this.#now() < kept.until) return kept.answer;
    const entry = { until: this.#now() + KEPT_MS, answer: this.#ask(token) };
    this.#kept.delete(jti);
    this.#kept.set(jti, entry);
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value);
    try {
      return await entry.answer;
    } catch (error) {
      // Only an answer is kept, not the lack of one.
      if (error.status === 503 && this.#kept.get(jti) === entry) this.#kept.delete(jti);
      throw error;
    }
  }

  async #ask(token) {
    let answer;
    try {
      answer = await getJson(this.#fetch, this.#url, { authorization: `Bearer ${token}` });
    } catch (error) {
      throw this.#unavailable(error);
    }
    const { status } = answer.response;
    if (status === 401 || status === 403) throw new Refusal("TOKEN_REVOKED");
    const account = answer.body?.data;
    const isComplete = Array.isArray(account?.roles) && Array.isArray(account.permissions);
    if (!isComplete) throw this.#unavailable(new Error(`status ${status}`));
    return account;
  }

  #unavailable(error) {
    this.#report(`${this.#url} cannot be asked`, error);
    return new Refusal("SERVICE_UNAVAILABLE", error);
  }
}
