// Has koffi fail to load, as where its optional package for the platform is not installed. For NODE_OPTIONS=--require=...
const Module = require('node:module');

const load = Module._load;
Module._load = function (name, ...rest) {
  if (name === 'koffi') throw new Error('Cannot find the native Koffi module; did you bundle it correctly?');
  return load.call(this, name, ...rest);
};
