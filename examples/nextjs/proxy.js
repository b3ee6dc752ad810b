// Guards whole paths, before their pages and handlers run.
export { proxy } from "./auth.js";

export const config = { matcher: ["/behind-the-proxy/:path*"] };
