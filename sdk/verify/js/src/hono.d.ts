import type { MiddlewareHandler } from "hono";
import type { Auth, Options, Verifier } from "./verifier.js";

export { type Auth, type Options, Refusal } from "./verifier.js";

/** `new Hono<AuthEnv>()` knows the type of `c.get("auth")`. */
export type AuthEnv = { Variables: { auth: Auth } };

export declare function authd(options: Options): {
  verifier: Verifier;
  requireAuth: MiddlewareHandler<AuthEnv>;
  /** For accounts with one of these roles. */
  requireRole(...roles: string[]): MiddlewareHandler<AuthEnv>;
  /** For accounts with all of these permissions. Needs `live`. */
  requirePermission(...permissions: string[]): MiddlewareHandler<AuthEnv>;
};
