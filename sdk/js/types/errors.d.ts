import type { components, ErrorCode } from "../types/v1.js";
type Body = components["schemas"]["Error"]["error"];
/** A second factor that a login still needs. */
export type MfaDue = {
    token: string;
    methods: string[];
    expiresIn: number;
};
/**
 * What went wrong. Decide by `code`, and show `message` to people.
 *
 * `NETWORK_ERROR`: no answer came, and nothing is known about the call. `UNEXPECTED_RESPONSE`: the
 * answer was not authd's, but a proxy's for example.
 */
export declare class AuthdError extends Error {
    readonly code: ErrorCode | "NETWORK_ERROR" | "UNEXPECTED_RESPONSE" | (string & {});
    /** The status of the response; 0 without one. */
    readonly status: number;
    /** Each field that was refused, and why. */
    readonly details: NonNullable<Body["details"]>;
    /** After how many seconds to try again. */
    readonly retryAfter?: number | undefined;
    /** Finds the call in the log of the server. */
    readonly requestId?: string | undefined;
    readonly mfa?: MfaDue | undefined;
    readonly name = "AuthdError";
    constructor(code: ErrorCode | "NETWORK_ERROR" | "UNEXPECTED_RESPONSE" | (string & {}), message: string, 
    /** The status of the response; 0 without one. */
    status: number, 
    /** Each field that was refused, and why. */
    details?: NonNullable<Body["details"]>, 
    /** After how many seconds to try again. */
    retryAfter?: number | undefined, 
    /** Finds the call in the log of the server. */
    requestId?: string | undefined, mfa?: MfaDue | undefined, cause?: unknown);
    static unreachable(cause: unknown): AuthdError;
    static of(status: number, answer: {
        error?: Body;
        requestId?: string;
    } | null): AuthdError;
}
export {};
