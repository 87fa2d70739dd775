import { expect, test } from 'vitest';
import { withAbsolutePaths } from '../../../../../src/config/parse/files/ssh-option-paths.ts';

test.each([
  ['IdentityFile=key', 'IdentityFile=/start/key'],
  ['userknownhostsfile a ../b /c', 'userknownhostsfile /start/a /start/../b /c'],
  ['CertificateFile = ./k-cert.pub', 'CertificateFile = /start/./k-cert.pub'],
  ['ControlPath=none', 'ControlPath=none'],
  ['IdentityAgent=SSH_AUTH_SOCK', 'IdentityAgent=SSH_AUTH_SOCK'],
  ['IdentityAgent=$AGENT', 'IdentityAgent=$AGENT'],
  ['IdentityFile=~/key', 'IdentityFile=~/key'],
  ['IdentityFile=%d/key', 'IdentityFile=%d/key'],
  ['PKCS11Provider=opensc-pkcs11.so', 'PKCS11Provider=opensc-pkcs11.so'],
  ['PKCS11Provider=lib/p11.so', 'PKCS11Provider=/start/lib/p11.so'],
  ['User=me', 'User=me'],
  ['ProxyCommand=./gate %h', 'ProxyCommand=./gate %h'],
])('%s', (option, absolute) => {
  expect(withAbsolutePaths(option, (path) => `/start/${path}`)).toBe(absolute);
});
