import { expect, test } from 'vitest';
import { GCM_FORMAT, packetBytesOf } from '../../../../../src/ssh/ssh2/internals/ciphers/packet-format.ts';
import { OutgoingPackets } from '../../../../../src/ssh/ssh2/internals/outgoing-packets.ts';
import { openSocketPair, readToEnd } from '../../../../support/in-process/socket-pair.ts';

const LARGE = packetBytesOf(GCM_FORMAT, 100);
const SMALL = packetBytesOf(GCM_FORMAT, 10);

const fill = (packet: Buffer, letter: string): Buffer => packet.fill(letter);

test('packets of one event leave together, in the order of their sending, whoever built them', async () => {
  await using pair = await openSocketPair();
  const outgoing = new OutgoingPackets(pair.accepted);
  outgoing.send(fill(outgoing.build(GCM_FORMAT, 100), 'a'));
  outgoing.send(fill(outgoing.build(GCM_FORMAT, 10), 'b'));
  expect(outgoing.waitingBytes).toBe(LARGE + SMALL);
  outgoing.send(Buffer.from('foreign'));
  expect(outgoing.waitingBytes).toBe(0);
  outgoing.send(fill(outgoing.build(GCM_FORMAT, 10), 'c'));
  await new Promise(setImmediate);
  expect(outgoing.waitingBytes).toBe(0);
  pair.accepted.end();
  const expected = `${'a'.repeat(LARGE)}${'b'.repeat(SMALL)}foreign${'c'.repeat(SMALL)}`;
  expect((await readToEnd(pair.application)).toString()).toBe(expected);
});

test('a packet that is given up leaves no trace, and its memory is not sent', async () => {
  await using pair = await openSocketPair();
  const outgoing = new OutgoingPackets(pair.accepted);
  fill(outgoing.build(GCM_FORMAT, 100), 'x');
  outgoing.send(fill(outgoing.build(GCM_FORMAT, 10), 'a'));
  expect(outgoing.flush()).toBe(true);
  expect(outgoing.flush()).toBe(false);
  pair.accepted.end();
  expect((await readToEnd(pair.application)).toString()).toBe('a'.repeat(SMALL));
});

test('packets keep their bytes while a stalled bastion takes none, and leave in order', async () => {
  await using pair = await openSocketPair();
  const outgoing = new OutgoingPackets(pair.accepted);
  const letters = [...Array(400).keys()].map((index) => String.fromCharCode(97 + (index % 26)));
  for (const letter of letters) outgoing.send(fill(outgoing.build(GCM_FORMAT, 32 * 1024), letter));
  outgoing.flush();
  expect(pair.accepted.writableLength).toBeGreaterThan(0);
  pair.accepted.end();
  const received = await readToEnd(pair.application);
  const packetBytes = packetBytesOf(GCM_FORMAT, 32 * 1024);
  expect(received.length).toBe(letters.length * packetBytes);
  letters.forEach((letter, index) => {
    const packet = received.subarray(index * packetBytes, (index + 1) * packetBytes);
    expect(packet.equals(Buffer.alloc(packetBytes, letter))).toBe(true);
  });
});
