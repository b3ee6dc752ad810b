// Checks access tokens of authd in Express. In this folder:
//   npm install && AUTHD_URL=http://localhost:3000 npm start
import { authd } from "@authd/verify/express";
import express from "express";

// The public URL of authd is the issuer of its tokens. With AUTHD_LIVE=1 a token ends with its session.
const issuer = process.env.AUTHD_URL ?? "http://localhost:3000";
const { requireAuth, requireRole } = authd({ issuer, live: process.env.AUTHD_LIVE === "1" });

const app = express();
app.get("/me", requireAuth, ({ auth }, response) => response.json({ id: auth.sub, roles: auth.roles }));
app.get("/admin", requireRole("admin"), (_, response) => response.json({ welcome: true }));
const server = app.listen(process.env.PORT ?? 8000, "127.0.0.1", () =>
  console.log(`http://127.0.0.1:${server.address().port}/me`),
);
