import { requireRole } from "../../auth.js";

export const GET = requireRole("admin", () => Response.json({ welcome: true }));
