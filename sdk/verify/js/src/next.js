// Guards for the App Router of Next.js: route handlers, `proxy.ts` (`middleware.ts` before Next 16) and server components.

import { createVerifier, Refusal } from "./verifier.js";

export { Refusal };

/** Returns the guards. */
export function authd(options) {
  const verifier = createVerifier(options);
  /** The claims of a request, or the response that refuses it. */
  const judge = async (headers, needs) => {
    try {
      return { auth: await verifier.authorize(headers.get("authorization"), needs) };
    } catch (error) {
      if (error instanceof Refusal) return { refused: error.toResponse() };
      throw error;
    }
  };
  const guard = (handler, needs = {}) => {
    verifier.assertPossible(needs);
    return async (request, context) => {
      const { auth, refused } = await judge(request.headers, needs);
      return refused ?? handler(request, { ...context, auth });
    };
  };
  return {
    verifier,
    /** A route handler whose second argument has the claims in `auth`. */
    requireAuth: (handler) => guard(handler),
    requireRole: (role, handler) => guard(handler, { roles: [role].flat() }),
    requirePermission: (permission, handler) => guard(handler, { permissions: [permission].flat() }),
    /** For `proxy.ts`: the response that refuses the request, or nothing, with which Next goes on. */
    proxy: async (request) => (await judge(request.headers)).refused,
    /** For server components: the claims of the request with these `headers()`, or `undefined`. */
    auth: async (headers) => (await judge(headers)).auth,
  };
}
