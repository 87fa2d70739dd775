import { createRequire } from 'node:module';

interface Config {
  readonly outbound?: object;
  readonly inbound?: object;
}

interface Ssh2Crypto {
  createCipher: (config: Config) => object;
  createDecipher: (config: Config) => object;
}

// Has ssh2 take its classes in JavaScript, as where its native code was not built (lib/protocol/crypto.js). To be imported before
// anything that loads ssh2: its key exchange keeps these functions.
const crypto = createRequire(import.meta.url)('ssh2/lib/protocol/crypto.js') as Ssh2Crypto;
const { createCipher, createDecipher } = crypto;

crypto.createCipher = (config) =>
  createCipher({ ...config, outbound: { ...config.outbound, forceNative: true } });
crypto.createDecipher = (config) =>
  createDecipher({ ...config, inbound: { ...config.inbound, forceNative: true } });
