'use strict';
// Preloaded: ssh2's native code is as if npm had not built it.
const Module = require('node:module');

const load = Module._extensions['.node'];
Module._extensions['.node'] = (module, file) => {
  if (file.endsWith('sshcrypto.node')) throw new Error(`${file}: left out`);
  load(module, file);
};
