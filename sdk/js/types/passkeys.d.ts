/** Whether this browser has what passkeys need. */
export declare function passkeysSupported(): boolean;
/** Whether this browser can offer passkeys in the autofill of a field (`autocomplete="username webauthn"`). */
export declare function autofillSupported(): Promise<boolean>;
/** Asks for a passkey; `null` if the user chose none. */
export declare const getPasskey: (options: object, signal?: AbortSignal) => Promise<any>;
/** Offers passkeys in autofill, with a new challenge in time, until one is chosen; `null` if the offer was ended. */
export declare function offerPasskey(challenge: () => Promise<object>, signal?: AbortSignal): Promise<any>;
/** Makes a passkey; `null` if the user declined. */
export declare function createPasskey(options: object, signal?: AbortSignal): Promise<any>;
/** Tells the device which passkeys are left, so that it drops the others. */
export declare function keepPasskeys(args: {
    rpId: string;
    userId: string;
    allAcceptedCredentialIds: string[];
}): void;
