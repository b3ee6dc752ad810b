import type { Auth, Options, Verifier } from "./verifier.js";

export { type Auth, type Options, Refusal } from "./verifier.js";

export type Guarded<R extends Request, C> = (request: R, context: C & { auth: Auth }) => Response | Promise<Response>;
export type Handler<R extends Request, C> = (request: R, context: C) => Promise<Response>;

export declare function authd(options: Options): {
  verifier: Verifier;
  /** A route handler whose second argument has the claims in `auth`. */
  requireAuth<R extends Request, C = object>(handler: Guarded<R, C>): Handler<R, C>;
  /** For accounts with one of these roles. */
  requireRole<R extends Request, C = object>(role: string | string[], handler: Guarded<R, C>): Handler<R, C>;
  /** For accounts with all of these permissions. Needs `live`. */
  requirePermission<R extends Request, C = object>(permission: string | string[], handler: Guarded<R, C>): Handler<R, C>;
  /** For `proxy.ts`: the response that refuses the request, or nothing. */
  proxy(request: Request): Promise<Response | undefined>;
  /** For server components: the claims of the request with these `headers()`, or `undefined`. */
  auth(headers: Headers): Promise<Auth | undefined>;
};
