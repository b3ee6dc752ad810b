// JSON from authd, with limits on time and size.

const LONGEST_WAIT_MS = 5_000;
const LARGEST_BODY = 64 * 1024;

/** Returns the response and its body, which is `undefined` if the status is not 200. */
export async function getJson(fetch, url, headers = {}) {
  const response = await fetch(url, {
    headers: { accept: "application/json", ...headers },
    // A redirect would let another host answer: it counts as a failure.
    redirect: "manual",
    cache: "no-store",
    signal: AbortSignal.timeout(LONGEST_WAIT_MS),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    return { response };
  }
  return { response, body: JSON.parse(await text(response)) };
}

async function text(response) {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let size = 0;
  let read = "";
  for await (const piece of response.body) {
    size += piece.byteLength;
    if (size > LARGEST_BODY) throw new Error(`more than ${LARGEST_BODY} bytes from authd`);
    read += decoder.decode(piece, { stream: true });
  }
  return read + decoder.decode();
}
