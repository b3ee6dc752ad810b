import { AuthdError } from "./errors.js";
import { autofillSupported, passkeysSupported } from "./passkeys.js";
import { type TokenStorage } from "./storage.js";
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
export type Login = {
    status: "in";
    user: User;
} | {
    status: "mfa";
    challenge: Challenge;
};
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
export type NewPasskey = {
    type?: Schemas["PasskeyType"];
    name?: string;
    signal?: AbortSignal;
};
export declare class Client {
    #private;
    constructor({ url, storage, headers, fetch: own }?: ClientOptions);
    /** Who is logged in, as far as this tab knows. The same object until it changes. */
    get state(): State;
    /** Calls the listener after each change of `state`. Returns a function that ends that. */
    onChange: (listener: (state: State) => void) => (() => void);
    /** Finds out whether a session goes on, after the page was loaded. */
    restore(): Promise<State>;
    /** Reads the user again, after a change of the profile for example. */
    reload(): Promise<State>;
    /** The access token, refreshed if it has expired; `null` if no user is logged in. */
    accessToken(): Promise<string | null>;
    /** As the global `fetch`, with the access token; refreshes once if the answer is 401. */
    fetch: (input: RequestInfo | URL, init?: RequestInit) => Promise<Response>;
    /** Makes a call of authd's API, and returns its `data`. */
    call<P extends Path, M extends MethodOf<P>>(method: M, path: P, { body, params, query, anonymous }?: CallOptions<P, M>): Promise<Result<P, M>>;
    /** Creates an account. Its address must be verified before the first login. */
    signUp(account: Schemas["RegisterRequest"]): Promise<Schemas["RegisteredUser"]>;
    /** Logs in with a password. */
    logIn(credentials: Credentials): Promise<Login>;
    /** Logs in with a passkey; `null` if the user chose none. */
    logInWithPasskey({ rememberMe, conditional, signal }?: PasskeyLogin): Promise<User | null>;
    /** Ends the session, in all tabs; with `everywhere`, all sessions of the account. */
    logOut({ everywhere }?: {
        everywhere?: boolean | undefined;
    }): Promise<void>;
    /** Adds a passkey, or a security key as second factor; `null` if the user declined. Needs a fresh login. */
    addPasskey({ type, name, signal }?: NewPasskey): Promise<Schemas["AddedPasskey"] | null>;
    /** The passkeys of the account. Devices drop those that are gone. */
    passkeys(): Promise<Schemas["PasskeyView"][]>;
    /** Removes a passkey, also from the device. Needs a fresh login. */
    removePasskey(id: string): Promise<void>;
    /** Confirms who the user is, for calls that answer `REAUTHENTICATION_REQUIRED`; false if no passkey was chosen. */
    reauthenticate(proof: {
        password: string;
    } | {
        code: string;
    } | "passkey"): Promise<boolean>;
    /** Stops listening to other tabs, and calls no listener again. */
    dispose(): void;
}
/** Creates a client. Make one for each page, and call `restore()` when it is loaded. */
export declare const createClient: (options?: ClientOptions) => Client;
