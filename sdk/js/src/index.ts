// The client of authd for browsers. There is no lock: the server answers refreshes that come at the
// same time alike, so one promise for each tab is enough. Nothing waits for a listener.
import { AuthdError } from "./errors.js";
import { autofillSupported, createPasskey, getPasskey, keepPasskeys, offerPasskey, passkeysSupported } from "./passkeys.js";
import { memory, type TokenStorage } from "./storage.js";
import type { CallOptions, MethodOf, Path, Result, Schemas, State, User } from "./types.js";

export { AuthdError, autofillSupported, passkeysSupported };
export type { ErrorCode } from "../types/v1.js";
export type { MfaDue } from "./errors.js";
export type { CallOptions, MethodOf, Path, Result, Schemas, State, TokenStorage, User };

export type ClientOptions = {
  /** The address of authd, such as `https://id.example.com`. Without one, the origin of the page. */
  url?: string;
  /**
   * Where the refresh token is: in authd's HttpOnly cookie (the default), in memory until the page is
   * left, or in a storage of your own. The access token is always in memory.
   */
  storage?: "cookie" | "memory" | TokenStorage;
  /** Sent with each call to authd, such as `X-App-ID`. */
  headers?: Record<string, string>;
  /** In place of the global `fetch`. */
  fetch?: typeof fetch;
};

export type Credentials = Schemas["LoginRequest"];

/** A login that succeeded, or needs a second factor first. */
export type Login = { status: "in"; user: User } | { status: "mfa"; challenge: Challenge };

/** A login that waits for its second factor. */
export type Challenge = {
  /** What completes it: `totp`, `email`, `sms`, `passkey`, `backup_code`. */
  readonly methods: string[];
  /** Seconds that the user has. */
  readonly expiresIn: number;
  /** Sends the code of an emailed or texted factor again. */
  send(method?: "email" | "sms"): Promise<void>;
  /** Completes the login with a code or a backup code. */
  verify(code: string): Promise<User>;
  /** Completes the login with a passkey; `null` if the user chose none. */
  passkey(): Promise<User | null>;
};

export type PasskeyLogin = {
  rememberMe?: boolean;
  /** Offers passkeys in the autofill of the page's fields, and waits until one is chosen. */
  conditional?: boolean;
  signal?: AbortSignal;
};

export type NewPasskey = { type?: Schemas["PasskeyType"]; name?: string; signal?: AbortSignal };

type Session = Schemas["NewSession"];
type Renewed = Schemas["RefreshedSession"];

/** How long before its end an access token is no longer used, in milliseconds. */
const EARLY = 10_000;
/** How often a refresh is tried while other tabs replace the token. */
const ATTEMPTS = 5;
const OUT: State = { status: "out", user: null };
const UNKNOWN: State = { status: "unknown", user: null };

export class Client {
  readonly #base: string;
  readonly #fetch: typeof fetch;
  readonly #headers: Record<string, string>;
  readonly #storage: TokenStorage | undefined;
  readonly #isShared: boolean;
  readonly #channel: BroadcastChannel | undefined;
  readonly #listeners = new Set<(state: State) => void>();
  #state: State = UNKNOWN;
  #token: { value: string; until: number } | undefined;
  /** Raised when a session begins or ends. What was asked for an earlier one changes nothing. */
  #epoch = 0;
  #refreshing: Promise<string | null> | undefined;
  #restoring: Promise<State> | undefined;

  constructor({ url = "", storage = "cookie", headers = {}, fetch: own }: ClientOptions = {}) {
    this.#base = `${url.replace(/\/+$/, "")}/v1`;
    this.#fetch = own ?? ((input, init) => fetch(input, init));
    this.#headers = headers;
    this.#isShared = storage !== "memory";
    this.#storage = storage === "cookie" ? undefined : storage === "memory" ? memory() : storage;
    if (typeof document !== "undefined" && typeof BroadcastChannel !== "undefined") {
      this.#channel = new BroadcastChannel(`authd ${this.#base}`);
      this.#channel.onmessage = ({ data }) => this.#hear(data);
    }
  }

  /** Who is logged in, as far as this tab knows. The same object until it changes. */
  get state(): State {
    return this.#state;
  }

  /** Calls the listener after each change of `state`. Returns a function that ends that. */
  onChange = (listener: (state: State) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** Finds out whether a session goes on, after the page was loaded. */
  restore(): Promise<State> {
    if (this.#state !== UNKNOWN) return Promise.resolve(this.#state);
    return (this.#restoring ??= this.reload().finally(() => (this.#restoring = undefined)));
  }

  /** Reads the user again, after a change of the profile for example. */
  async reload(): Promise<State> {
    const epoch = this.#epoch;
    if (await this.accessToken()) {
      const user = await this.call("get", "/users/me");
      if (epoch === this.#epoch) this.#show({ status: "in", user });
    }
    return this.#state;
  }

  /** The access token, refreshed if it has expired; `null` if no user is logged in. */
  async accessToken(): Promise<string | null> {
    if (this.#token && Date.now() < this.#token.until) return this.#token.value;
    return this.#state === OUT ? null : this.#refresh();
  }

  /** As the global `fetch`, with the access token; refreshes once if the answer is 401. */
  fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const send = (request: Request, token: string | null) => {
      if (token) request.headers.set("authorization", `Bearer ${token}`);
      return this.#fetch(request);
    };
    const token = await this.accessToken();
    const response = await send(request.clone(), token);
    if (response.status !== 401 || !token) return response;
    const next = await this.#renew(token).catch(() => null);
    return next ? send(request, next) : response;
  };

  /** Makes a call of authd's API, and returns its `data`. */
  async call<P extends Path, M extends MethodOf<P>>(
    method: M,
    path: P,
    { body, params = {}, query, anonymous }: CallOptions<P, M> = {},
  ): Promise<Result<P, M>> {
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
    const target = query ? `${filled}?${new URLSearchParams(query)}` : filled;
    const send = (token?: string | null) => this.#send(method.toUpperCase(), target, body, token);
    const token = anonymous ? null : await this.accessToken();
    try {
      return await send(token);
    } catch (error) {
      const isStale = token && error instanceof AuthdError && error.status === 401;
      const next = isStale ? await this.#renew(token) : null;
      if (!next) throw error;
      return await send(next);
    }
  }

  /** Creates an account. Its address must be verified before the first login. */
  signUp(account: Schemas["RegisterRequest"]): Promise<Schemas["RegisteredUser"]> {
    return this.#send("POST", "/auth/register", account);
  }

  /** Logs in with a password. */
  async logIn(credentials: Credentials): Promise<Login> {
    try {
      return { status: "in", user: await this.#enter("/auth/login", credentials) };
    } catch (error) {
      if (error instanceof AuthdError && error.mfa) return { status: "mfa", challenge: this.#challenge(error.mfa) };
      throw error;
    }
  }

  /** Logs in with a passkey; `null` if the user chose none. */
  async logInWithPasskey({ rememberMe, conditional, signal }: PasskeyLogin = {}): Promise<User | null> {
    const challenge = () => this.#send("POST", "/auth/passkey/options");
    const credential = conditional ? await offerPasskey(challenge, signal) : await getPasskey(await challenge(), signal);
    return credential && this.#enter("/auth/passkey", { credential, rememberMe });
  }

  /** Ends the session, in all tabs; with `everywhere`, all sessions of the account. */
  async logOut({ everywhere = false } = {}): Promise<void> {
    const refreshToken = (await this.#storage?.get()) ?? undefined;
    const body = { logoutAllDevices: everywhere, refreshToken };
    await this.#send("POST", "/auth/logout", body, this.#token?.value).catch((error: AuthdError) => {
      // It has ended before.
      if (error.status !== 401) throw error;
    });
    await this.#end();
    this.#channel?.postMessage("out");
  }

  /** Adds a passkey, or a security key as second factor; `null` if the user declined. Needs a fresh login. */
  async addPasskey({ type = "passkey", name, signal }: NewPasskey = {}): Promise<Schemas["AddedPasskey"] | null> {
    const options = await this.call("post", "/users/me/passkeys/options", { body: { type } });
    const credential = await createPasskey(options, signal);
    return credential && this.call("post", "/users/me/passkeys", { body: { credential, name } });
  }

  /** The passkeys of the account. Devices drop those that are gone. */
  async passkeys(): Promise<Schemas["PasskeyView"][]> {
    const list = await this.call("get", "/users/me/passkeys");
    keepPasskeys(list);
    return list.passkeys;
  }

  /** Removes a passkey, also from the device. Needs a fresh login. */
  async removePasskey(id: string): Promise<void> {
    await this.call("delete", "/users/me/passkeys/{id}", { params: { id } });
    await this.passkeys();
  }

  /** Confirms who the user is, for calls that answer `REAUTHENTICATION_REQUIRED`; false if no passkey was chosen. */
  async reauthenticate(proof: { password: string } | { code: string } | "passkey"): Promise<boolean> {
    if (proof !== "passkey") {
      await this.call("post", "/auth/reauthenticate", { body: proof });
      return true;
    }
    const credential = await getPasskey(await this.call("post", "/auth/reauthenticate/passkey/options"));
    if (credential) await this.call("post", "/auth/reauthenticate/passkey", { body: { credential } });
    return !!credential;
  }

  /** Stops listening to other tabs, and calls no listener again. */
  dispose(): void {
    this.#listeners.clear();
    this.#channel?.close();
  }

  async #send(method: string, path: string, body?: object, token?: string | null): Promise<any> {
    const headers: Record<string, string> = { ...this.#headers };
    if (body) headers["content-type"] = "application/json";
    if (token) headers.authorization = `Bearer ${token}`;
    // Without the cookie storage, authd's cookie is neither sent nor kept.
    const credentials = this.#storage ? "omit" : "include";
    const init = { method, headers, credentials, body: body && JSON.stringify(body) } as const;
    const response = await this.#fetch(this.#base + path, init).catch((cause) => {
      throw AuthdError.unreachable(cause);
    });
    const answer = await response.json().catch(() => null);
    if (!response.ok || !answer) throw AuthdError.of(response.status, answer);
    return answer.data;
  }

  /** Begins a session. */
  async #enter(path: string, body?: object, token?: string): Promise<User> {
    const session: Session = await this.#send("POST", path, body, token);
    this.#epoch++;
    await this.#keep(session);
    this.#show({ status: "in", user: session.user });
    if (this.#isShared) this.#channel?.postMessage("in");
    return session.user;
  }

  #challenge({ token, methods, expiresIn }: { token: string; methods: string[]; expiresIn: number }): Challenge {
    return {
      methods,
      expiresIn,
      send: (method) => this.#send("POST", "/auth/mfa/challenge", { method }, token),
      verify: (code) => this.#enter("/auth/mfa/verify", { code }, token),
      passkey: async () => {
        const options = await this.#send("POST", "/auth/mfa/passkey/options", undefined, token);
        const credential = await getPasskey(options);
        return credential && this.#enter("/auth/mfa/passkey", { credential }, token);
      },
    };
  }

  #refresh(): Promise<string | null> {
    return (this.#refreshing ??= this.#rotate().finally(() => (this.#refreshing = undefined)));
  }

  /** Another token than this one, which was refused; `null` if the session has ended. */
  #renew(refused: string): Promise<string | null> {
    if (this.#token?.value === refused) this.#token = undefined;
    return this.accessToken();
  }

  async #rotate(): Promise<string | null> {
    const epoch = this.#epoch;
    for (let attempt = 1; ; attempt++) {
      const refreshToken = (await this.#storage?.get()) ?? undefined;
      const renewed: Renewed | AuthdError =
        this.#storage && !refreshToken
          ? new AuthdError("MISSING_REFRESH_TOKEN", "", 400)
          : await this.#send("POST", "/auth/refresh", refreshToken ? { refreshToken } : undefined).catch((error) => error);
      // A login or logout came first, and counts.
      if (epoch !== this.#epoch) return this.accessToken();
      if (!(renewed instanceof Error)) {
        await this.#keep(renewed);
        return renewed.accessToken;
      }
      // Another tab has replaced the token while this one was on its way.
      if (renewed.code === "INVALID_REFRESH_TOKEN" && attempt < ATTEMPTS) continue;
      if (renewed.status !== 401 && renewed.code !== "MISSING_REFRESH_TOKEN") throw renewed;
      await this.#end();
      return null;
    }
  }

  async #keep({ accessToken, refreshToken, expiresIn }: Renewed): Promise<void> {
    const life = expiresIn * 1000;
    this.#token = { value: accessToken, until: Date.now() + Math.max(life - EARLY, life / 2) };
    if (refreshToken) await this.#storage?.set(refreshToken);
  }

  async #end(): Promise<void> {
    this.#epoch++;
    this.#token = undefined;
    this.#show(OUT);
    await this.#storage?.set(null);
  }

  /** What another tab says. */
  #hear(message: unknown): void {
    if (message === "out") {
      if (!this.#isShared && this.#state.status === "in") return void this.logOut().catch(() => {});
      this.#epoch++;
      this.#token = undefined;
      this.#show(OUT);
    } else if (message === "in" && this.#isShared) {
      this.#epoch++;
      this.#token = undefined;
      this.#state = UNKNOWN;
      this.#restoring = this.#refreshing = undefined;
      this.restore().catch(() => {});
    }
  }

  #show(state: State): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of this.#listeners) {
      try {
        listener(state);
      } catch (error) {
        // It is the listener's error, and concerns nothing here.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

/** Creates a client. Make one for each page, and call `restore()` when it is loaded. */
export const createClient = (options?: ClientOptions): Client => new Client(options);
