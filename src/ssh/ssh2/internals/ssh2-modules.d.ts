/*
 * What is taken of ssh2 by its place in it: the package's own index loads a server, a key generator and agents for Node.js's HTTP clients beside
 * it, and with them http, https and tls (native-notes/module-loading.md).
 */

declare module 'ssh2/lib/client.js' {
  import { Client } from 'ssh2';
  export = Client;
}

declare module 'ssh2/lib/protocol/keyParser.js' {
  import { utils } from 'ssh2';

  const keyParser: Pick<typeof utils, 'parseKey'>;
  export = keyParser;
}
