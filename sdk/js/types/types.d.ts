import type { components, paths } from "../types/v1.js";
export type Schemas = components["schemas"];
/** The account that is logged in. */
export type User = Schemas["SessionUser"];
/** `unknown` until the client has asked the server whether a session goes on. */
export type State = {
    readonly status: "unknown" | "out";
    readonly user: null;
} | {
    readonly status: "in";
    readonly user: User;
};
export type Path = keyof paths & string;
type Methods = "get" | "put" | "post" | "delete" | "patch";
export type MethodOf<P extends Path> = {
    [M in Methods]: paths[P][M] extends {
        responses: unknown;
    } ? M : never;
}[Methods];
type Json<T> = T extends {
    content: {
        "application/json": infer B;
    };
} ? B : never;
type Success<R> = Json<R[keyof R & (200 | 201 | 202)]>;
export type Result<P extends Path, M extends MethodOf<P>> = paths[P][M] extends {
    responses: infer R;
} ? Success<R> extends {
    data: infer D;
} ? D : void : never;
export type CallOptions<P extends Path, M extends MethodOf<P>> = {
    body?: paths[P][M] extends {
        requestBody?: infer B;
    } ? Json<NonNullable<B>> : never;
    /** Values of the parts of the path in braces. */
    params?: Record<string, string>;
    query?: Record<string, string>;
    /** Sends no access token, and does not look for a session first. */
    anonymous?: boolean;
};
export {};
