import { closeSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openInterfaceDatagram } from '../../../../src/net/native/interfaces/interface-datagram.ts';

const onLinux = test.skipIf(process.platform !== 'linux');

onLinux.each([
  ['192.0.2.1', 'lo', 'bind EADDRNOTAVAIL'],
  ['127.0.0.1', 'not-there', 'setsockopt SO_BINDTODEVICE ENODEV'],
])('%s at %s: the call that failed is told with the code of the system', (host, interfaceName, message) => {
  expect(() => openInterfaceDatagram(host, 0, interfaceName, 0)).toThrow(
    expect.objectContaining({ message, code: message.split(' ').at(-1) }),
  );
});

onLinux('an address of the interface is had', () => {
  closeSync(openInterfaceDatagram('127.0.0.77', 0, 'lo', 0));
});
