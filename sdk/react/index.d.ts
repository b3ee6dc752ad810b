import { type ReactNode } from "react";
import type { Client, State, User } from "@authd/client";
/** Gives a client to the components below, and finds out whether a session goes on. */
export declare function AuthdProvider({ client, children }: {
    client: Client;
    children?: ReactNode;
}): import("react").FunctionComponentElement<import("react").ProviderProps<Client | null>>;
/** The client, to log in and out and to make calls. */
export declare function useClient(): Client;
/** Whether a user is logged in: `unknown` at first, also on a server, then `in` or `out`. */
export declare function useSession(): State;
/** The account that is logged in, or `null`. */
export declare function useUser(): User | null;
