import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quicRequest, skipQuic } from '../../support/clients/quic-client.ts';
import { ADDRESSES, createLab, type Lab } from '../../support/lab/lab.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { startTshuttle, stopTshuttle } from '../../support/tshuttle/tshuttle.ts';

/*
 * client: curl by HTTP/3 ── tshuttle ── bastion ── destination: a web server that has TCP alone
 */

const PORT = 7443;
const URL = `https://${ADDRESSES.destination4}:${PORT}/`;
/** What curl is told to wait for QUIC. Where no datagram at all has come, it tries TCP after a quarter of that. */
const QUIC_TIMEOUT_MS = 12_000;
const PATIENCE_MS = QUIC_TIMEOUT_MS / 4;

/** A web server with a certificate of its own. */
const SERVER = `
  cd "$1"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=quic -days 2 -keyout quic.key -out quic.pem 2>quic.log
  exec node -e '
    const [key, cert] = ["quic.key", "quic.pem"].map((name) => require("node:fs").readFileSync(name));
    require("node:https").createServer({ key, cert }, (request, response) => response.end("by TCP"))
      .listen(${PORT}, "${ADDRESSES.destination4}", () => console.log("ready"))'`;

describe.skipIf(skipLab || skipQuic)('a QUIC client', () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await createLab();
    const server = lab.destination.spawn(['sh', '-euc', SERVER, 'server', lab.directory]);
    await server.untilOutput(/ready/);
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  /** After how many milliseconds its connections by TCP were there. */
  const connectTimes = async (count: number): Promise<number[]> => {
    const times: number[] = [];
    while (times.length < count) {
      const { code, stdout, stderr } = await lab.client.exec(quicRequest(URL, QUIC_TIMEOUT_MS));
      expect(code, stderr).toBe(0);
      const [version, seconds] = stdout.split(' ');
      expect(version).toBe('1.1');
      times.push(Number(seconds) * 1000);
    }
    return times;
  };

  it('comes by TCP in less than 100 ms, as UDP is refused', async () => {
    const tshuttle = await startTshuttle(lab, [`${ADDRESSES.destination4}/32`]);
    const times = await connectTimes(5);
    // What a busy machine adds is no part of it: none waits until its patience is at an end, and one comes as fast as is asked.
    expect(Math.max(...times), times.join()).toBeLessThan(PATIENCE_MS);
    expect(Math.min(...times), times.join()).toBeLessThan(100);
    await stopTshuttle(lab, tshuttle);
  });

  it('waits as long as it likes where UDP is left alone, and nothing answers', async () => {
    const tshuttle = await startTshuttle(lab, ['--udp', 'direct', `${ADDRESSES.destination4}/32`]);
    const [time] = await connectTimes(1);
    expect(time).toBeGreaterThanOrEqual(PATIENCE_MS);
    await stopTshuttle(lab, tshuttle);
  });
});
