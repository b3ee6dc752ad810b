import { createContext, createElement, useContext, useEffect, useSyncExternalStore } from "react";
const Context = createContext(null);
const UNKNOWN = { status: "unknown", user: null };
/** Gives a client to the components below, and finds out whether a session goes on. */
export function AuthdProvider({ client, children }) {
    useEffect(() => {
        // Without an answer the state stays unknown; `client.restore()` asks again.
        client.restore().catch(() => { });
    }, [client]);
    return createElement(Context.Provider, { value: client }, children);
}
/** The client, to log in and out and to make calls. */
export function useClient() {
    const client = useContext(Context);
    if (!client)
        throw new Error("useClient needs an AuthdProvider above");
    return client;
}
/** Whether a user is logged in: `unknown` at first, also on a server, then `in` or `out`. */
export function useSession() {
    const client = useClient();
    return useSyncExternalStore(client.onChange, () => client.state, () => UNKNOWN);
}
/** The account that is logged in, or `null`. */
export function useUser() {
    return useSession().user;
}
