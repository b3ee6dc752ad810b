// The ceremonies of WebAuthn, with options and answers as JSON.

type Signals = {
  signalAllAcceptedCredentials?(args: { rpId: string; userId: string; allAcceptedCredentialIds: string[] }): Promise<void>;
};

const api = () =>
  (globalThis as { PublicKeyCredential?: typeof PublicKeyCredential & Signals }).PublicKeyCredential;

/** Whether this browser has what passkeys need. */
export function passkeysSupported(): boolean {
  return !!api()?.parseRequestOptionsFromJSON;
}

/** Whether this browser can offer passkeys in the autofill of a field (`autocomplete="username webauthn"`). */
export async function autofillSupported(): Promise<boolean> {
  return passkeysSupported() && !!(await api()?.isConditionalMediationAvailable?.());
}

/** The browser's refusals: the user chose none, waited too long, or another ceremony began. */
const isCancelled = (error: unknown) =>
  error instanceof DOMException && ["NotAllowedError", "AbortError"].includes(error.name);

/** The one ceremony that a page can have at a time. */
let running: AbortController | undefined;

async function ceremony(run: (signal: AbortSignal) => Promise<Credential | null>, outer?: AbortSignal): Promise<any> {
  running?.abort();
  const own = (running = new AbortController());
  const abort = () => own.abort();
  if (outer?.aborted) abort();
  outer?.addEventListener("abort", abort);
  try {
    return ((await run(own.signal)) as PublicKeyCredential | null)?.toJSON() ?? null;
  } catch (error) {
    if (isCancelled(error)) return null;
    throw error;
  } finally {
    outer?.removeEventListener("abort", abort);
    if (running === own) running = undefined;
  }
}

/** Asks for a passkey; `null` if the user chose none. */
export function getPasskey(options: object, conditional?: boolean, signal?: AbortSignal): Promise<any> {
  const publicKey = api()!.parseRequestOptionsFromJSON(options as PublicKeyCredentialRequestOptionsJSON);
  const mediation: CredentialMediationRequirement = conditional ? "conditional" : "optional";
  return ceremony((signal) => navigator.credentials.get({ publicKey, mediation, signal }), signal);
}

/** Makes a passkey; `null` if the user declined. */
export function createPasskey(options: object, signal?: AbortSignal): Promise<any> {
  const publicKey = api()!.parseCreationOptionsFromJSON(options as PublicKeyCredentialCreationOptionsJSON);
  return ceremony((signal) => navigator.credentials.create({ publicKey, signal }), signal);
}

/** Tells the device which passkeys are left, so that it drops the others. */
export function keepPasskeys(args: { rpId: string; userId: string; allAcceptedCredentialIds: string[] }): void {
  const { rpId, userId, allAcceptedCredentialIds } = args;
  api()?.signalAllAcceptedCredentials?.({ rpId, userId, allAcceptedCredentialIds }).catch(() => {});
}
