// JWS compact serialisation (RFC 7515), read strictly (RFC 8725). Nothing here checks a signature.

const LONGEST_TOKEN = 8 * 1024;
/** Header members that would let a token bring its own key or change how it is read. */
const REFUSED_MEMBERS = ["crit", "jwk", "jku", "x5c", "x5u"];

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The bytes of canonical base64url, without padding; `undefined` for any other text. */
export function decode(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return undefined;
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  // Unused bits of the last character are zero, so that no two texts mean the same bytes.
  const again = btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return again === text ? Uint8Array.from(binary, (c) => c.charCodeAt(0)) : undefined;
}

/** The JSON object in one part of a token; `undefined` if it is not one. */
function object(text) {
  const bytes = decode(text);
  if (bytes === undefined) return undefined;
  try {
    const value = JSON.parse(utf8.decode(bytes));
    return typeof value === "object" && !Array.isArray(value) ? (value ?? undefined) : undefined;
  } catch {
    return undefined;
  }
}

/** A token in its parts, none of them trusted yet; `undefined` if it does not have the form of one. */
export function takeApart(token) {
  if (typeof token !== "string" || token.length > LONGEST_TOKEN) return undefined;
  const parts = token.split(".");
  if (parts.length !== 3) return undefined;
  const [header, signature] = [object(parts[0]), decode(parts[2])];
  if (header === undefined || signature === undefined || signature.length === 0) return undefined;
  if (REFUSED_MEMBERS.some((name) => Object.hasOwn(header, name))) return undefined;
  const { alg, kid, typ } = header;
  if (typeof alg !== "string" || typeof kid !== "string" || typeof typ !== "string") return undefined;
  const signed = new TextEncoder().encode(`${parts[0]}.${parts[1]}`);
  return { alg, kid, typ, signed, signature, claims: () => object(parts[1]) };
}
