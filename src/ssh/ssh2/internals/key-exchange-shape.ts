/** One key exchange of ssh2's; another one is made for each rekeying. */
export interface KeyExchange {
  readonly negotiated: Negotiated;
  type: string;
  hashName: string;
  /** What is hashed as the server's SSH_MSG_KEXINIT, or the client's where this is the server. */
  _remoteKexinit: Buffer;
  /** The first exchange hash of the connection; undefined before it. */
  sessionID: Buffer | undefined;
  /** What the bastion has sent as its key. */
  _hostKey: Buffer | undefined;
  /** Computes the exchange hash, checks the signature over it, and goes over to the new keys. */
  finish(serverToClientOnly?: boolean): unknown;
  /** Sends what the client begins with. */
  start(): void;
  generateKeys(): void;
  /** What this side sends. Called again for the exchange hash. */
  getPublicKey(): Buffer;
  /** What the other side has sent, as it is hashed. */
  convertPublicKey(key: Buffer): Buffer;
  /** K, as it is hashed; ssh2 tells of an error that is returned. */
  computeSecret(theirs: Buffer): Buffer | Error;
}

/** Algorithms by name, as ssh2 tells them at the end. */
export interface Negotiated {
  kex: string;
  serverHostKey: string;
  /** From the client to the server. The MAC is empty where the cipher authenticates by itself. */
  readonly cs: { readonly cipher: string; readonly mac: string };
  /** Back. */
  readonly sc: { readonly cipher: string; readonly mac: string };
}
