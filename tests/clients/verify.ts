// The types of `@authd/verify` as an app uses them. Compiled, not run.
import { authd as forExpress } from "@authd/verify/express";
import { authd as forHono, type AuthEnv } from "@authd/verify/hono";
import { authd as forNext } from "@authd/verify/next";
import { type Auth, createVerifier, Refusal } from "@authd/verify";
import { Hono } from "hono";

const issuer = "https://id.example.com";

export async function check(header: string | undefined): Promise<string[]> {
  try {
    const auth: Auth = await createVerifier({ issuer, audience: "app" }).authorize(header, { roles: ["admin"] });
    return auth.roles;
  } catch (error) {
    if (error instanceof Refusal && error.status === 503) return [];
    throw error;
  }
}

export const express = forExpress({ issuer, live: true }).requirePermission("users.read");

const hono = forHono({ issuer });
export const app = new Hono<AuthEnv>();
app.get("/me", hono.requireAuth, (c) => c.json({ id: c.get("auth").sub }));

const next = forNext({ issuer });
export const GET = next.requireRole("admin", (request: Request, { auth }) => Response.json({ id: auth.sub, url: request.url }));
export const proxy = next.proxy;

// @ts-expect-error The issuer is needed.
forNext({});
// @ts-expect-error A need is a text.
hono.requireRole(7);
