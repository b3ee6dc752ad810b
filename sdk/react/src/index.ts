import { createContext, createElement, type ReactNode, useContext, useEffect, useSyncExternalStore } from "react";
import type { Client, State, User } from "@authd/client";

const Context = createContext<Client | null>(null);
const UNKNOWN: State = { status: "unknown", user: null };

/** Gives a client to the components below, and finds out whether a session goes on. */
export function AuthdProvider({ client, children }: { client: Client; children?: ReactNode }) {
  useEffect(() => {
    // Without an answer the state stays unknown; `client.restore()` asks again.
    client.restore().catch(() => {});
  }, [client]);
  return createElement(Context.Provider, { value: client }, children);
}

/** The client, to log in and out and to make calls. */
export function useClient(): Client {
  const client = useContext(Context);
  if (!client) throw new Error("useClient needs an AuthdProvider above");
  return client;
}

/** Whether a user is logged in: `unknown` at first, also on a server, then `in` or `out`. */
export function useSession(): State {
  const client = useClient();
  return useSyncExternalStore(client.onChange, () => client.state, () => UNKNOWN);
}

/** The account that is logged in, or `null`. */
export function useUser(): User | null {
  return useSession().user;
}
