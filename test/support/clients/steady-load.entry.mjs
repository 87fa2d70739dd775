// Asks an HTTP server at a steady rate, whatever becomes of the requests: open loop, a connection for each.
//   argument (JSON): {"host", "port", "ratePerS", "durationMs"}
// Prints "started" with the first request, and at the end one JSON line: for each request [startMs since 1970, duration in
// ms, outcome], where the outcome is "ok" or an error code. Meanwhile lines on standard error say since when the oldest one is open.
import { get } from 'node:http';

const { host, port, ratePerS, durationMs } = JSON.parse(process.argv[2]);
const TICK_MS = 5;
const REQUEST_TIMEOUT_MS = 40_000;

const REPORT_MS = 50;

const results = [];
/** The times at which those began that are not over, in that order. */
const open = new Map();
const startedMs = performance.now();
const over = [];

function ask(path) {
  const askedMs = performance.now();
  const startMs = Date.now();
  open.set(path, startMs);
  return new Promise((resolve) => {
    const done = (outcome) => {
      open.delete(path);
      results.push([startMs, Math.round(performance.now() - askedMs), outcome]);
      resolve();
    };
    const request = get({ host, port, path, agent: false, timeout: REQUEST_TIMEOUT_MS }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      response.on('end', () => done(body.endsWith(` asked for ${path}`) ? 'ok' : 'WRONG_BODY'));
      response.on('error', (error) => done(error.code));
    });
    request.on('timeout', () => request.destroy(Object.assign(new Error('timeout'), { code: 'TIMEOUT' })));
    request.on('error', (error) => done(error.code));
  });
}

const timer = setInterval(() => {
  const elapsedMs = Math.min(performance.now() - startedMs, durationMs);
  while (over.length < (elapsedMs * ratePerS) / 1_000) over.push(ask(`/${over.length}`));
  if (elapsedMs < durationMs) return;
  clearInterval(timer);
  void Promise.all(over).then(() => {
    clearInterval(reports);
    console.error('open since Infinity');
    console.log(JSON.stringify(results));
  });
}, TICK_MS);
const reports = setInterval(() => {
  const [oldestMs = Date.now()] = open.values();
  console.error(`open since ${oldestMs}`);
}, REPORT_MS);
console.log('started');
