import type { IncomingMessage, ServerResponse } from "node:http";
import type { Auth, Options, Verifier } from "./verifier.js";

export { type Auth, type Options, Refusal } from "./verifier.js";

declare global {
  namespace Express {
    interface Request {
      /** The claims of the token, behind one of the guards. */
      auth?: Auth;
    }
  }
}

export type Middleware = (
  request: IncomingMessage & { auth?: Auth },
  response: ServerResponse,
  next: (error?: unknown) => void,
) => Promise<void>;

export declare function authd(options: Options): {
  verifier: Verifier;
  requireAuth: Middleware;
  /** For accounts with one of these roles. */
  requireRole(...roles: string[]): Middleware;
  /** For accounts with all of these permissions. Needs `live`. */
  requirePermission(...permissions: string[]): Middleware;
};
