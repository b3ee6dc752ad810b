// Checks access tokens of authd in Next.js. In this folder:
//   npm install && npm run build && AUTHD_URL=http://localhost:3000 npm start
import { authd } from "@authd/verify/next";

// The public URL of authd is the issuer of its tokens. With AUTHD_LIVE=1 a token ends with its session.
const issuer = process.env.AUTHD_URL ?? "http://localhost:3000";
export const { requireAuth, requireRole, proxy } = authd({ issuer, live: process.env.AUTHD_LIVE === "1" });
