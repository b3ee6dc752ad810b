/**
 * Keeps the refresh token of an app without cookies. It may be asynchronous. Tabs that share one share
 * the session.
 */
export interface TokenStorage {
    get(): string | null | undefined | Promise<string | null | undefined>;
    /** `null`: the session has ended. */
    set(token: string | null): unknown;
}
/** Keeps the token until the page is left. */
export declare function memory(): TokenStorage;
