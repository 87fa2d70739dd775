import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { getDefaultHighWaterMark, setDefaultHighWaterMark } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { READ_BUFFER_BYTES } from '../../../../../src/net/sockets/read-buffer.ts';
import { ChannelMux } from '../../../../../src/ssh/ssh2/channels/channel-mux.ts';
import { FIRST_LOCAL_ID } from '../../../../../src/ssh/ssh2/channels/channel-wire.ts';
import { MAX_PACKET_BYTES } from '../../../../../src/ssh/ssh2/channels/flow-control/receive-window.ts';
import { MIN_QUEUE_BYTES } from '../../../../../src/ssh/ssh2/channels/flow-control/send-scheduler.ts';
import type { FlowSummary } from '../../../../../src/ssh/transport.ts';
import { carryFlow } from '../../../../support/in-process/carry-flow.ts';
import { FakeWire } from '../../../../support/in-process/fake-wire.ts';
import { openSocketPair, readToEnd, type SocketPair } from '../../../../support/in-process/socket-pair.ts';
import { until } from '../../../../support/process/until.ts';

const soon = (what: string, fact: () => boolean) => until(fact, { deadlineMs: 5_000, what });

const REMOTE_ID = 7;
/** What a channel is opened with while nothing is known of the path. */
const INITIAL_WINDOW_BYTES = 256 * 1024;
const AMPLE_WINDOW = 1024 * 1024;

interface Lab extends SocketPair {
  readonly mux: ChannelMux;
  readonly wire: FakeWire;
  readonly localId: number;
  readonly summary: Promise<FlowSummary>;
}

/** application ── accepted ── Channel ── FakeWire, which the test plays. */
async function openLab(): Promise<Lab> {
  const pair = await openSocketPair();
  const mux = new ChannelMux((events) => new FakeWire(events));
  const wire = mux.wire as FakeWire;
  const summary = carryFlow(mux, pair.accepted, { host: '10.0.0.8', port: 5432 });
  return { ...pair, mux, wire, summary, localId: wire.of('open')[0]?.localId ?? -1 };
}

async function openConfirmedLab(windowBytes = AMPLE_WINDOW): Promise<Lab> {
  const lab = await openLab();
  lab.mux.onConfirmation(lab.localId, REMOTE_ID, windowBytes, MAX_PACKET_BYTES);
  return lab;
}

/** More than the kernel's queues of a loopback connection take. */
const MUCH_BYTES = 24 * 1024 * 1024;

/** The application cannot get rid of more. */
async function heldBack({ application }: Lab): Promise<void> {
  let before = -1;
  await soon('nothing moves', () => {
    const isStill = application.writableLength > 0 && application.bytesWritten === before;
    before = application.bytesWritten;
    return isStill;
  });
}

/** In the middle of much, the connection takes no more. */
async function openLabHeldByConnection(): Promise<Lab> {
  const lab = await openConfirmedLab(MUCH_BYTES);
  lab.application.write(Buffer.alloc(MUCH_BYTES));
  await soon('much', () => lab.wire.of('data').length > 10);
  lab.wire.writable = false;
  await heldBack(lab);
  return lab;
}

/** Plays a bastion that sends data, which one read brings. */
function arrive(lab: Lab, bytes: Buffer): void {
  lab.mux.onData(lab.localId, bytes);
  lab.mux.onReadEnd();
}

/** Plays a bastion that answers our CLOSE. */
function answerClose(lab: Lab): void {
  expect(lab.wire.of('close')).toEqual([{ type: 'close', remoteId: REMOTE_ID }]);
  lab.mux.onClose(lab.localId);
}

describe('a flow that ends well', () => {
  test('sends nothing before the confirmation, then what the application had sent already', async () => {
    await using lab = await openLab();
    lab.application.write('early');
    expect(lab.wire.sent).toEqual([{ type: 'open', localId: FIRST_LOCAL_ID, host: '10.0.0.8', port: 5432 }]);
    lab.mux.onConfirmation(lab.localId, REMOTE_ID, AMPLE_WINDOW, MAX_PACKET_BYTES);
    await soon('data', () => lab.wire.dataTo(REMOTE_ID).toString() === 'early');
  });

  test('the application ends first: EOF goes up, the late answer still comes down', async () => {
    await using lab = await openConfirmedLab();
    lab.application.end('question');
    await soon('EOF', () => lab.wire.of('eof').length === 1);
    expect(lab.wire.dataTo(REMOTE_ID).toString()).toBe('question');
    expect(lab.wire.of('close')).toEqual([]);

    const answer = readToEnd(lab.application);
    arrive(lab, Buffer.from('late answer'));
    lab.mux.onEof(lab.localId);
    expect((await answer).toString()).toBe('late answer');
    answerClose(lab);
    expect(await lab.summary).toEqual({ end: { kind: 'eof' }, bytesUp: 8, bytesDown: 11 });
    expect(lab.mux.size).toBe(0);
  });

  test('what one read brings for several channels reaches each, before its end', async () => {
    await using lab = await openConfirmedLab();
    await using other = await openSocketPair();
    void carryFlow(lab.mux, other.accepted, { host: '10.0.0.9', port: 80 });
    const otherId = lab.wire.of('open')[1]?.localId ?? -1;
    lab.mux.onConfirmation(otherId, REMOTE_ID + 1, AMPLE_WINDOW, MAX_PACKET_BYTES);
    const answers = [readToEnd(lab.application), readToEnd(other.application)];
    for (const [id, text] of [
      [lab.localId, 'a'],
      [lab.localId, 'b'],
      [otherId, 'x'],
      [lab.localId, 'c'],
    ] as const) {
      lab.mux.onData(id, Buffer.from(text));
    }
    lab.mux.onEof(lab.localId);
    lab.mux.onEof(otherId);
    expect((await Promise.all(answers)).map(String)).toEqual(['abc', 'x']);
  });

  test('the destination ends first: the application gets its EOF and can go on sending', async () => {
    await using lab = await openConfirmedLab();
    const answer = readToEnd(lab.application);
    arrive(lab, Buffer.from('greeting'));
    lab.mux.onEof(lab.localId);
    expect((await answer).toString()).toBe('greeting');
    lab.application.end('still talking');
    await soon('EOF', () => lab.wire.of('eof').length === 1);
    expect(lab.wire.dataTo(REMOTE_ID).toString()).toBe('still talking');
    answerClose(lab);
    expect((await lab.summary).end).toEqual({ kind: 'eof' });
    expect(lab.mux.size).toBe(0);
  });

  test('an application that has sent everything and is gone: what it sent still arrives, then CLOSE', async () => {
    await using lab = await openConfirmedLab(4);
    lab.application.end('12345678');
    await soon('data', () => lab.wire.dataTo(REMOTE_ID).length === 4);
    lab.application.resetAndDestroy();
    arrive(lab, Buffer.alloc(100));
    lab.mux.onWindowAdjust(lab.localId, 2);
    lab.mux.onWindowAdjust(lab.localId, 100);
    await soon('EOF', () => lab.wire.of('eof').length === 1);
    expect(lab.wire.dataTo(REMOTE_ID).toString()).toBe('12345678');
    lab.mux.onEof(lab.localId);
    await soon('CLOSE', () => lab.wire.of('close').length === 1);
    lab.mux.onClose(lab.localId);
    await lab.summary;
    expect(lab.mux.size).toBe(0);
  });
});

describe('a flow that the application must not take for a success', () => {
  const expectReset = async (lab: Lab) => {
    const failure = once(lab.application, 'error');
    lab.application.resume();
    expect((await failure)[0]).toMatchObject({ code: 'ECONNRESET' });
  };

  /** A reset after the destination's FIN: the kernel tells it at the next write. */
  const expectBrokenPipe = async (lab: Lab) => {
    const failure = once(lab.application, 'error');
    await lab.summary;
    lab.application.write('one more');
    expect((await failure)[0]).toMatchObject({ code: expect.stringMatching(/^(EPIPE|ECONNRESET)$/) });
  };

  test('refused: reset, with the reason', async () => {
    await using lab = await openLab();
    lab.mux.onFailure(lab.localId, 2, 'Connection refused');
    await expectReset(lab);
    expect((await lab.summary).end).toEqual({
      kind: 'refused',
      reason: 'connect-failed',
      description: 'Connection refused',
    });
    expect(lab.mux.size).toBe(0);
  });

  test('CLOSE without EOF: reset', async () => {
    await using lab = await openConfirmedLab();
    arrive(lab, Buffer.from('half a resp'));
    // Read first: libuv reports data and a reset that arrive together as data and an end.
    await once(lab.application, 'data');
    lab.mux.onClose(lab.localId);
    await expectReset(lab);
    expect((await lab.summary).end).toMatchObject({ kind: 'reset', by: 'destination' });
    expect(lab.wire.of('close')).toHaveLength(1);
    expect(lab.mux.size).toBe(0);
  });

  test('CLOSE before it took all data: the answer arrives, then a reset', async () => {
    await using lab = await openConfirmedLab(0);
    lab.application.write('too much');
    await soon('pause', () => lab.accepted.isPaused());
    arrive(lab, Buffer.from('413'));
    lab.mux.onEof(lab.localId);
    lab.mux.onClose(lab.localId);
    expect((await readToEnd(lab.application)).toString()).toBe('413');
    await expectBrokenPipe(lab);
    expect((await lab.summary).end).toMatchObject({ kind: 'reset', by: 'destination' });
  });

  test('the application goes on sending to a destination that is gone: reset', async () => {
    await using lab = await openConfirmedLab();
    lab.mux.onEof(lab.localId);
    lab.mux.onClose(lab.localId);
    await readToEnd(lab.application);
    lab.application.write('anybody there?');
    await expectBrokenPipe(lab);
    expect((await lab.summary).end).toMatchObject({ kind: 'reset', by: 'destination' });
  });

  test('a flow that comes when the bastion is lost: reset at once', async () => {
    await using lab = await openLab();
    lab.mux.connectionLost();
    await using late = await openSocketPair();
    const failure = once(late.application, 'error');
    const { end } = await carryFlow(lab.mux, late.accepted, { host: '10.0.0.8', port: 1 });
    expect(end).toEqual({ kind: 'bastion-lost' });
    late.application.resume();
    expect((await failure)[0]).toMatchObject({ code: 'ECONNRESET' });
    expect(lab.wire.of('open')).toHaveLength(1);
  });

  test('all of a complete answer arrives, although the application says one thing more', async () => {
    await using lab = await openConfirmedLab();
    const answer = Buffer.alloc(INITIAL_WINDOW_BYTES, 'a');
    for (let sent = 0; sent < answer.length; sent += MAX_PACKET_BYTES) {
      arrive(lab, answer.subarray(sent, sent + MAX_PACKET_BYTES));
    }
    lab.mux.onEof(lab.localId);
    lab.mux.onClose(lab.localId);
    lab.application.write('one thing more');
    expect((await readToEnd(lab.application)).length).toBe(answer.length);
    await expectBrokenPipe(lab);
    expect((await lab.summary).end).toMatchObject({ kind: 'reset', by: 'destination' });
  });

  test('the bastion is lost: reset, whether open or opening', async () => {
    await using opening = await openLab();
    opening.mux.connectionLost();
    await expectReset(opening);
    expect((await opening.summary).end).toEqual({ kind: 'bastion-lost' });

    await using open = await openConfirmedLab();
    open.mux.connectionLost();
    await expectReset(open);
    expect((await open.summary).end).toEqual({ kind: 'bastion-lost' });
    expect(open.mux.size).toBe(0);
  });

  test('the bastion is lost while a stalled reader has not taken all, the end included: reset', async () => {
    await using lab = await openConfirmedLab();
    // A corked socket holds what a stalled reader does not take: the end has to wait behind it.
    lab.accepted.cork();
    arrive(lab, Buffer.alloc(MAX_PACKET_BYTES));
    expect(lab.accepted.writableLength).toBeGreaterThan(0);
    lab.mux.onEof(lab.localId);
    lab.mux.connectionLost();
    // How the application sees it is not asserted: it is one of libuv's, see native-notes/reset.md.
    expect((await lab.summary).end).toEqual({ kind: 'bastion-lost' });
  });

  test('the application resets: CLOSE to the bastion', async () => {
    await using lab = await openConfirmedLab();
    lab.application.resetAndDestroy();
    await soon('CLOSE', () => lab.wire.of('close').length === 1);
    expect((await lab.summary).end).toMatchObject({ kind: 'reset', by: 'application' });
    expect(lab.mux.size).toBe(1);
    lab.mux.onClose(lab.localId);
    expect(lab.mux.size).toBe(0);
  });

  test('aborted while opening: closed as soon as it is confirmed', async () => {
    await using lab = await openLab();
    lab.mux.abortAll('shutting down');
    await expectReset(lab);
    expect((await lab.summary).end).toEqual({ kind: 'aborted', detail: 'shutting down' });
    lab.mux.onConfirmation(lab.localId, REMOTE_ID, AMPLE_WINDOW, MAX_PACKET_BYTES);
    answerClose(lab);
    expect(lab.mux.size).toBe(0);
  });
});

describe('windows and back-pressure', () => {
  test('up: never more than the window, never larger packets than asked', async () => {
    await using lab = await openLab();
    const payload = Buffer.alloc(300_000, 'x');
    lab.application.end(payload);
    lab.mux.onConfirmation(lab.localId, REMOTE_ID, 50_000, 1_000);
    await soon('data', () => lab.wire.dataTo(REMOTE_ID).length === 50_000);
    expect(Math.max(...lab.wire.of('data').map(({ bytes }) => bytes.length))).toBe(1_000);
    while (lab.wire.of('eof').length === 0) {
      const before = lab.wire.dataTo(REMOTE_ID).length;
      lab.mux.onWindowAdjust(lab.localId, 70_000);
      await soon(
        'data',
        () => lab.wire.dataTo(REMOTE_ID).length === Math.min(before + 70_000, payload.length),
      );
      if (lab.wire.dataTo(REMOTE_ID).length === payload.length)
        await soon('EOF', () => lab.wire.of('eof').length === 1);
    }
    expect(lab.wire.dataTo(REMOTE_ID).equals(payload)).toBe(true);
  });

  test('up: nothing goes in packets that are long on a slow uplink while nothing is known of the path', async () => {
    await using lab = await openConfirmedLab();
    lab.application.write(Buffer.alloc(3 * MIN_QUEUE_BYTES));
    await soon('data', () => lab.wire.dataTo(REMOTE_ID).length === 3 * MIN_QUEUE_BYTES);
    expect(Math.max(...lab.wire.of('data').map(({ bytes }) => bytes.length))).toBe(MIN_QUEUE_BYTES / 2);
  });

  test('up: a window that is used up holds the application back', async () => {
    await using lab = await openConfirmedLab(50_000);
    lab.application.write(Buffer.alloc(MUCH_BYTES));
    await soon('data', () => lab.wire.dataTo(REMOTE_ID).length === 50_000);
    await heldBack(lab);
    expect(lab.accepted.bytesRead).toBeLessThanOrEqual(2 * READ_BUFFER_BYTES);
  });

  test('up: much goes past the stream, in order, and its end after it', async () => {
    await using lab = await openConfirmedLab(MUCH_BYTES);
    const payload = randomBytes(MUCH_BYTES);
    lab.application.end(payload);
    await soon('EOF', () => lab.wire.of('eof').length === 1);
    expect(lab.wire.dataTo(REMOTE_ID).equals(payload)).toBe(true);
    expect(lab.accepted.bytesRead).toBeLessThan(payload.length / 2);
    lab.mux.onEof(lab.localId);
    expect(await lab.summary).toEqual({ end: { kind: 'eof' }, bytesUp: payload.length, bytesDown: 0 });
  });

  test('up: an application that pauses in the middle of much is heard again', async () => {
    await using lab = await openConfirmedLab(MUCH_BYTES);
    for (const part of [1, 2, 3]) {
      lab.application.write(Buffer.alloc(1024 * 1024));
      await soon('data', () => lab.wire.dataTo(REMOTE_ID).length === part * 1024 * 1024);
    }
  });

  test.each([50_000, 1_000_000])(
    'up: an application that resets behind a window of %d that is used up is told as one, not as an end',
    async (windowBytes) => {
      await using lab = await openConfirmedLab(windowBytes);
      lab.application.write(Buffer.alloc(MUCH_BYTES));
      await soon('data', () => lab.wire.dataTo(REMOTE_ID).length === windowBytes);
      await heldBack(lab);
      lab.application.resetAndDestroy();
      await once(lab.application, 'close');
      lab.mux.onWindowAdjust(lab.localId, MUCH_BYTES);
      expect((await lab.summary).end).toMatchObject({ kind: 'reset', by: 'application' });
      expect(lab.wire.of('eof')).toEqual([]);
      answerClose(lab);
    },
  );

  test('up: an application that resets while a full connection holds it back is told as one, not as an end', async () => {
    await using lab = await openLabHeldByConnection();
    lab.application.resetAndDestroy();
    await once(lab.application, 'close');
    lab.wire.writable = true;
    lab.mux.onWritable();
    expect((await lab.summary).end).toMatchObject({ kind: 'reset', by: 'application' });
    expect(lab.wire.of('eof')).toEqual([]);
    answerClose(lab);
  });

  test('up: a destination that is gone while a full connection holds it back resets an application that has more', async () => {
    await using lab = await openLabHeldByConnection();
    lab.mux.onEof(lab.localId);
    lab.mux.onClose(lab.localId);
    expect((await lab.summary).end).toMatchObject({ kind: 'reset', by: 'destination' });
  });

  test('up: a full connection stops the channel until it is writable again', async () => {
    await using lab = await openConfirmedLab();
    lab.wire.writable = false;
    lab.application.write('waits');
    await soon('pause', () => lab.accepted.isPaused());
    expect(lab.wire.of('data')).toEqual([]);
    lab.wire.writable = true;
    lab.mux.onWritable();
    expect(lab.wire.dataTo(REMOTE_ID).toString()).toBe('waits');
    expect(lab.accepted.isPaused()).toBe(false);
  });

  test('down: a stalled reader costs one window beyond what its kernel takes; reading grants again', async () => {
    await using lab = await openConfirmedLab();
    const packet = Buffer.alloc(MAX_PACKET_BYTES);
    let sentBytes = 0;
    const grantedBytes = () => lab.wire.of('windowAdjust').reduce((sum, { bytes }) => sum + bytes, 0);
    while (sentBytes < INITIAL_WINDOW_BYTES + grantedBytes()) {
      arrive(lab, packet);
      sentBytes += packet.length;
    }
    expect(lab.accepted.writableLength).toBeGreaterThan(0);
    expect(lab.accepted.writableLength).toBeLessThanOrEqual(INITIAL_WINDOW_BYTES);
    let receivedBytes = 0;
    lab.application.on('data', (bytes: Buffer) => {
      receivedBytes += bytes.length;
    });
    await soon('all received', () => receivedBytes === sentBytes);
    await soon('granted', () => grantedBytes() >= INITIAL_WINDOW_BYTES / 2);
  });

  test.each([16, 64])('down: never stalls, with a high-water mark of %d KiB', async (kibibytes) => {
    // Node 22 has 64 KiB: more than a small window, so that no 'drain' would tell that it was taken.
    const before = getDefaultHighWaterMark(false);
    setDefaultHighWaterMark(false, kibibytes * 1024);
    try {
      await using lab = await openConfirmedLab();
      lab.application.resume();
      const grantedBytes = () => lab.wire.of('windowAdjust').reduce((sum, { bytes }) => sum + bytes, 0);
      let sentBytes = 0;
      for (let turns = 0; turns < 50; turns += 1) {
        const availableBytes = INITIAL_WINDOW_BYTES + grantedBytes() - sentBytes;
        expect(availableBytes).toBeGreaterThan(0);
        for (let left = availableBytes; left > 0; left -= MAX_PACKET_BYTES) {
          arrive(lab, Buffer.alloc(Math.min(left, MAX_PACKET_BYTES)));
        }
        sentBytes += availableBytes;
        await soon('a grant', () => INITIAL_WINDOW_BYTES + grantedBytes() > sentBytes);
      }
    } finally {
      setDefaultHighWaterMark(false, before);
    }
  });

  test('down: what comes for an application that is gone is granted again, so that its upload can end', async () => {
    await using lab = await openConfirmedLab(4);
    lab.application.end('12345678');
    await soon('the window is used up', () => lab.wire.dataTo(REMOTE_ID).length === 4);
    lab.application.resetAndDestroy();
    arrive(lab, Buffer.alloc(100));
    await soon('the application is gone', () => lab.accepted.destroyed);
    arrive(lab, Buffer.alloc(INITIAL_WINDOW_BYTES - 100));
    await soon('a grant', () => lab.wire.of('windowAdjust').length > 0);
  });

  test('down: a bastion that overruns its window is cut off', async () => {
    await using lab = await openConfirmedLab();
    arrive(lab, Buffer.alloc(INITIAL_WINDOW_BYTES + 1));
    expect((await lab.summary).end).toMatchObject({ kind: 'aborted' });
    expect(lab.wire.of('close')).toHaveLength(1);
  });
});

test("sshd's keepalive on a channel is answered", async () => {
  await using lab = await openConfirmedLab();
  lab.mux.onRequest(lab.localId, true);
  expect(lab.wire.of('requestFailure')).toEqual([{ type: 'requestFailure', remoteId: REMOTE_ID }]);
});
