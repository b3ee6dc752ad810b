import type { components, ErrorCode } from "../types/v1.js";

type Body = components["schemas"]["Error"]["error"];

/** A second factor that a login still needs. */
export type MfaDue = { token: string; methods: string[]; expiresIn: number };

/**
 * What went wrong. Decide by `code`, and show `message` to people.
 *
 * `NETWORK_ERROR`: no answer came, and nothing is known about the call. `UNEXPECTED_RESPONSE`: the
 * answer was not authd's, but a proxy's for example.
 */
export class AuthdError extends Error {
  override readonly name = "AuthdError";

  constructor(
    readonly code: ErrorCode | "NETWORK_ERROR" | "UNEXPECTED_RESPONSE" | (string & {}),
    message: string,
    /** The status of the response; 0 without one. */
    readonly status: number,
    /** Each field that was refused, and why. */
    readonly details: NonNullable<Body["details"]> = [],
    /** After how many seconds to try again. */
    readonly retryAfter?: number,
    /** Finds the call in the log of the server. */
    readonly requestId?: string,
    readonly mfa?: MfaDue,
    cause?: unknown,
  ) {
    super(message, { cause });
  }

  static unreachable(cause: unknown): AuthdError {
    return new AuthdError("NETWORK_ERROR", "The server cannot be reached", 0, [], undefined, undefined, undefined, cause);
  }

  static of(status: number, answer: { error?: Body; requestId?: string } | null): AuthdError {
    const error = answer?.error;
    if (!error?.code) return new AuthdError("UNEXPECTED_RESPONSE", `The server answered ${status}`, status);
    const { code, message, details, retryAfter, mfaToken, methods, expiresIn } = error;
    const mfa = mfaToken ? { token: mfaToken, methods: methods ?? [], expiresIn: expiresIn ?? 0 } : undefined;
    return new AuthdError(code, message, status, details, retryAfter, answer?.requestId, mfa);
  }
}
