/** Whether this browser can make and use passkeys in the form the API speaks. */
export const canUsePasskeys = () =>
  typeof PublicKeyCredential !== 'undefined' && typeof PublicKeyCredential.parseCreationOptionsFromJSON === 'function';

/** Has the authenticator make a passkey; null if the person thought better of it. */
export function createPasskey(options: PublicKeyCredentialCreationOptionsJSON): Promise<PublicKeyCredentialJSON | null> {
  return answerOf(navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) }));
}

/** Has the authenticator sign with one it has; null if the person thought better of it. */
export function signWithPasskey(options: PublicKeyCredentialRequestOptionsJSON): Promise<PublicKeyCredentialJSON | null> {
  return answerOf(navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) }));
}

async function answerOf(asked: Promise<Credential | null>): Promise<PublicKeyCredentialJSON | null> {
  try {
    const credential = await asked;
    return credential instanceof PublicKeyCredential ? (credential.toJSON() as PublicKeyCredentialJSON) : null;
  } catch (error) {
    // Dismissed, timed out, or made already: the browser tells a page no more than that.
    if (error instanceof DOMException) return null;
    throw error;
  }
}
