// Middleware for Express, and for anything else with (request, response, next).

import { createVerifier, Refusal } from "./verifier.js";

export { Refusal };

/** Returns the middleware. A request that passes has the claims of its token in `request.auth`. */
export function authd(options) {
  const verifier = createVerifier(options);
  const guard = (needs = {}) => {
    verifier.assertPossible(needs);
    return async (request, response, next) => {
      try {
        request.auth = await verifier.authorize(request.headers.authorization, needs);
      } catch (error) {
        if (!(error instanceof Refusal)) return next(error);
        response.writeHead(error.status, error.headers).end(error.body);
        return;
      }
      next();
    };
  };
  return {
    verifier,
    requireAuth: guard(),
    requireRole: (...roles) => guard({ roles }),
    requirePermission: (...permissions) => guard({ permissions }),
  };
}
