/** Claims of an access token; with `live`, roles, permissions and names as authd has them now. */
export interface Auth {
  iss: string;
  /** The account's id. */
  sub: string;
  /** The session's id. */
  sid: string;
  jti: string;
  iat: number;
  exp: number;
  nbf?: number;
  aud?: string | string[];
  /** Of a token for a resource: what it was granted. */
  scope?: string;
  roles: string[];
  /** With `live` only, like the two below. */
  permissions?: string[];
  email?: string;
  username?: string | null;
  [claim: string]: unknown;
}

export interface Options {
  /** `iss` of the tokens: the public URL of authd, or its `tokens.issuer`. */
  issuer: string;
  /** Where authd is reached from here, if that is not the issuer. */
  url?: string;
  /** `tokens.audience`, if authd has one. Without it, a token with an `aud` is refused. */
  audience?: string;
  /** Accept tokens for this resource (`at+jwt`, RFC 9068) in place of the app's own. */
  resource?: string;
  /** Ask authd whether the session still exists, at most every ten seconds. */
  live?: boolean;
  fetch?: typeof globalThis.fetch;
  /** A clock in milliseconds. */
  now?: () => number;
  /** Called, at most once a minute, when authd cannot be reached. Writes to the console by default. */
  onError?: (message: string, cause: unknown) => void;
}

export interface Needs {
  /** The account has one of these. */
  roles?: string[];
  /** The account has all of these. Needs `live`. */
  permissions?: string[];
}

export interface Verifier {
  verify(token: string): Promise<Auth>;
  authorize(header: string | null | undefined, needs?: Needs): Promise<Auth>;
  /** Throws a `TypeError` if a need is empty, or if this verifier can never grant it. */
  assertPossible(needs: Needs): void;
}

export declare function createVerifier(options: Options): Verifier;

export declare class Refusal extends Error {
  readonly code: string;
  readonly status: 401 | 403 | 503;
  readonly headers: Record<string, string>;
  readonly body: string;
  toResponse(): Response;
}
