import { requireAuth } from "../../auth.js";

export const GET = requireAuth((_, { auth }) => Response.json({ id: auth.sub, roles: auth.roles }));
