// Checks access tokens of authd in Hono. In this folder:
//   npm install && AUTHD_URL=http://localhost:3000 npm start
import { authd } from "@authd/verify/hono";
import { serve } from "@hono/node-server";
import { Hono } from "hono";

// The public URL of authd is the issuer of its tokens. With AUTHD_LIVE=1 a token ends with its session.
const issuer = process.env.AUTHD_URL ?? "http://localhost:3000";
const { requireAuth, requireRole } = authd({ issuer, live: process.env.AUTHD_LIVE === "1" });

const app = new Hono();
app.get("/me", requireAuth, (c) => c.json({ id: c.get("auth").sub, roles: c.get("auth").roles }));
app.get("/admin", requireRole("admin"), (c) => c.json({ welcome: true }));
const port = Number(process.env.PORT ?? 8000);
serve({ fetch: app.fetch, hostname: "127.0.0.1", port }, ({ port }) => console.log(`http://127.0.0.1:${port}/me`));
