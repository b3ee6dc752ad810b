// Middleware for Hono.

import { createVerifier, Refusal } from "./verifier.js";

export { Refusal };

/** Returns the middleware. A request that passes has the claims of its token in `c.get("auth")`. */
export function authd(options) {
  const verifier = createVerifier(options);
  const guard = (needs = {}) => {
    verifier.assertPossible(needs);
    return async (c, next) => {
      try {
        c.set("auth", await verifier.authorize(c.req.header("authorization"), needs));
      } catch (error) {
        if (error instanceof Refusal) return error.toResponse();
        throw error;
      }
      await next();
    };
  };
  return {
    verifier,
    requireAuth: guard(),
    requireRole: (...roles) => guard({ roles }),
    requirePermission: (...permissions) => guard({ permissions }),
  };
}
