// stage-packages.mjs NODE_MODULES: copies what the program runs with of the packages of npm to there, and prints their licences.
import { cpSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

const target = process.argv[2];
const read = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** They build native code of ssh2 for one version of Node.js, whose own OpenSSL does as well (native-notes/openssl-in-node.md). */
const LEFT_OUT = new Set(['nan', 'buildcheck', 'cpu-features']);

/** What is loaded. */
const LOADED = /\.(?:js|cjs|mjs|json|node)$/;

/** Of a package's own folder: what it is tested, documented and compiled by, and what is for another C library. */
const NOT_LOADED = /^(?:test|example|doc|bench|musl_|\.|node_modules$)/;
const COMPILED_FROM = { koffi: /^(?:vendor|lib|cnoke\.cjs)$/ };

/** Copies the files of a package, those of packages within it left out. */
function copy(name, from) {
  const isLoaded = (entry) => !NOT_LOADED.test(entry) && !COMPILED_FROM[name]?.test(entry);
  for (const entry of readdirSync(from).filter(isLoaded)) {
    cpSync(join(from, entry), join(target, '..', from, entry), {
      recursive: true,
      dereference: true,
      filter: (path) => (statSync(path).isDirectory() ? !path.endsWith('/crypto/build') : LOADED.test(path)),
    });
  }
}

/** A package's own words about its licence; of one that Debian has the text of, whose it is. */
function licenceOf(from) {
  const file = readdirSync(from).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined) return 'Its licence is that of the package it belongs to.';
  const text = readFileSync(join(from, file), 'utf8').trim();
  if (!text.includes('Apache License')) return text;
  const holders = text.match(/^ *copyright.*\d.*$/gim) ?? [];
  return [...holders, 'The licence is in /usr/share/common-licenses/Apache-2.0 on Debian systems.'].join('\n');
}

// One that is for development too, and that nobody but a peer may want, is not for who installs tshuttle.
const shipped = Object.entries(read('package-lock.json').packages).filter(
  ([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional && existsSync(path),
);
for (const [path] of shipped) {
  const name = path.replace(/^.*node_modules\//, '');
  if (LEFT_OUT.has(name)) continue;
  copy(name, path);
  const { version, license, licenses } = read(join(path, 'package.json'));
  const kind = license ?? licenses.map(({ type }) => type).join(', ');
  console.log(`\n${'-'.repeat(80)}\n${name} ${version}: ${kind}\n\n${licenceOf(path)}`);
}
