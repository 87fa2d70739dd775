// An application of the lab: does what its one argument (JSON) says, and prints what came of it as one JSON line.
//   {"do":"whoami|echo|download|upload|both|farewell|reset|stall|hold", host, port, seed, bytes, timeoutMs}
//   {"do":"both|together", ..., count}
//   {"do":"http", host, port, count, concurrency, timeoutMs}
// Failures are results: {"error": CODE, "afterMs": N}.
import { createHash } from 'node:crypto';
import { get } from 'node:http';
import { connect } from 'node:net';
import { seededHash, writeSeeded } from './seeded-stream.mjs';

const request = JSON.parse(process.argv[2]);
const { host, port, seed = 'seed', bytes = 0 } = request;
const started = performance.now();
const elapsed = () => Math.round(performance.now() - started);

setTimeout(() => finish({ error: 'TIMEOUT' }), request.timeoutMs ?? 30_000);

function finish(result) {
  console.log(JSON.stringify({ ...result, afterMs: elapsed() }));
  process.exit(0);
}

/** Sends the request line, then what `send` writes, then FIN; gives what came back up to the peer's FIN. */
async function converse(line, send) {
  const socket = connect({ host, port, allowHalfOpen: true });
  const hash = createHash('sha256');
  let received = 0;
  let tail = Buffer.alloc(0);
  const failed = new Promise((_resolve, reject) => socket.on('error', reject));
  const ended = new Promise((resolve) => {
    socket.on('data', (chunk) => {
      received += chunk.length;
      const seededLeft = bytes - (received - chunk.length);
      const expectsTail =
        request.do === 'both' ||
        request.do === 'upload' ||
        request.do === 'whoami' ||
        request.do === 'farewell';
      const seededPart =
        expectsTail && request.do !== 'both' ? 0 : Math.max(0, Math.min(chunk.length, seededLeft));
      hash.update(chunk.subarray(0, seededPart));
      if (expectsTail) tail = Buffer.concat([tail, chunk.subarray(seededPart)]);
    });
    socket.on('end', resolve).on('close', resolve);
  });
  await Promise.race([failed, new Promise((resolve) => socket.once('connect', resolve))]);
  const connectedAfterMs = elapsed();
  socket.write(`${JSON.stringify(line)}\n`);
  const sent = (async () => {
    await send(socket);
    socket.end();
  })();
  await Promise.race([failed, Promise.all([ended, sent])]);
  return { received, sha256: hash.digest('hex'), tail: tail.toString(), connectedAfterMs };
}

const nothing = async () => {};
const stream = (socket) => writeSeeded(socket, seed, bytes);
const line = { do: request.do, seed, bytes };

async function both() {
  const { received, sha256, tail } = await converse(line, stream);
  const expected = seededHash(seed, bytes);
  const answer = JSON.parse(tail);
  return {
    received: received - tail.length,
    sent: answer.bytes,
    exact: sha256 === expected && answer.sha256 === expected,
  };
}

const actions = {
  async whoami() {
    return JSON.parse((await converse(line, nothing)).tail);
  },
  async echo() {
    const { received, sha256 } = await converse(line, stream);
    return { received, exact: received === bytes && sha256 === seededHash(seed, bytes) };
  },
  async download() {
    const { received, sha256 } = await converse(line, nothing);
    return { received, exact: received === bytes && sha256 === seededHash(seed, bytes) };
  },
  async upload() {
    const { tail } = await converse(line, stream);
    const answer = JSON.parse(tail);
    return { sent: answer.bytes, exact: answer.bytes === bytes && answer.sha256 === seededHash(seed, bytes) };
  },
  /** `count` of them at once, one when left out; the sums of all. */
  async both() {
    const all = await Promise.all(Array.from({ length: request.count ?? 1 }, both));
    return {
      received: all.reduce((sum, { received }) => sum + received, 0),
      sent: all.reduce((sum, { sent }) => sum + sent, 0),
      exact: all.every(({ exact }) => exact),
    };
  },
  /** Uploads only after the destination has said that nothing more comes. */
  async farewell() {
    await converse(line, async (socket) => {
      await new Promise((resolve) => socket.once('end', resolve));
      await stream(socket);
    });
    const { tail } = await converse({ ...line, do: 'receipt' }, nothing);
    const receipt = JSON.parse(tail);
    return {
      sent: receipt.bytes,
      exact: receipt.bytes === bytes && receipt.sha256 === seededHash(seed, bytes),
    };
  },
  /** `count` flows that are all open at the same time: none ends before each has had its answer. */
  async together() {
    const sockets = Array.from({ length: request.count }, () => connect({ host, port, allowHalfOpen: true }));
    const failed = new Promise((_resolve, reject) => {
      for (const socket of sockets) socket.on('error', reject);
    });
    const answers = sockets.map(async (socket, index) => {
      socket.write(`${JSON.stringify({ do: 'echo' })}\n${index}`);
      let answer = '';
      while (answer.length < String(index).length)
        answer += await new Promise((resolve) => socket.once('data', resolve));
      return answer === String(index);
    });
    const exact = (await Promise.race([failed, Promise.all(answers)])).every(Boolean);
    const ended = sockets.map((socket) => new Promise((resolve) => socket.once('end', resolve)));
    for (const socket of sockets) socket.end();
    await Promise.race([failed, Promise.all(ended)]);
    return { exact, received: sockets.length };
  },
  async reset() {
    return await converse(line, stream);
  },
  /** Asks for a download and never reads it. */
  async hold() {
    const socket = connect({ host, port });
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    socket.pause().write(`${JSON.stringify({ ...line, do: 'download' })}\n`);
    return await new Promise((_resolve, reject) => socket.once('error', reject));
  },
  async stall() {
    return await converse(line, stream);
  },
  async http() {
    const peers = new Set();
    const failures = {};
    let succeeded = 0;
    let next = 0;
    const worker = async () => {
      while (next < request.count) {
        const path = `/${next++}`;
        try {
          const body = await httpGet(path);
          const match = /^(\S+) asked for (\S+)$/.exec(body);
          if (match === null || match[2] !== path)
            throw Object.assign(new Error(body), { code: 'WRONG_BODY' });
          peers.add(match[1]);
          succeeded += 1;
        } catch (error) {
          failures[error.code] = (failures[error.code] ?? 0) + 1;
        }
      }
    };
    await Promise.all(Array.from({ length: request.concurrency }, worker));
    return { succeeded, failures, peers: [...peers] };
  },
};

function httpGet(path) {
  return new Promise((resolve, reject) => {
    get({ host, port, path, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      response.on('end', () => resolve(body)).on('error', reject);
    }).on('error', reject);
  });
}

actions[request.do]().then(finish, (error) => finish({ error: error.code ?? error.message }));
