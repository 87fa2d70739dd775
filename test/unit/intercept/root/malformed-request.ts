import { SAMPLE_PLANS } from '../rules/sample-plans.ts';

type Random = (below: number) => number;

const PLAN = SAMPLE_PLANS['others-too']!;

const CONNECTIONS = PLAN.exempt.map((endpoint) => ({ originator: endpoint, destination: endpoint }));

/** One request that is malformed, or valid out of order: bytes, half a line, two on one line, a changed field. */
export function malformedRequest(random: Random, canary: string): Buffer {
  const choice = random(6);
  if (choice === 0) return Buffer.from(Array.from({ length: random(200) }, () => random(256)));
  const request = mutate(validRequest(random), random, canary);
  const line = JSON.stringify(request) ?? '';
  if (choice === 1) return Buffer.from(line.slice(0, random(line.length + 1)));
  if (choice === 2) return Buffer.from(`${line}${line}\n`);
  return Buffer.from(`${line}\n`);
}

function validRequest(random: Random): unknown {
  const id = 1 + random(1_000);
  return structuredClone(
    [
      { type: 'start', id, method: 'auto', families: [4, 6] },
      { type: 'use', id, candidate: 'libnftables' },
      { type: 'apply', id, plan: PLAN },
      { type: 'look', id },
      { type: 'route', id, network: { address: '198.18.0.0', prefixLength: 19 } },
      { type: 'cleanup', id },
      { type: 'end-stranded', id, connections: CONNECTIONS },
      { type: 'look-up', id, originators: PLAN.exempt },
      { type: 'transparent', id, descriptors: [20, 21] },
    ][random(9)],
  );
}

/** Changes one place of a request: another type, an injection, a key too many or too few. */
function mutate(value: unknown, random: Random, canary: string): unknown {
  if (typeof value === 'object' && value !== null && random(5) !== 0) {
    const container = value as Record<string, unknown>;
    const keys = Object.keys(container);
    const key = keys[random(keys.length)];
    if (key === undefined) return hostile(random, canary);
    const change = random(8);
    if (change === 0) delete container[key];
    else if (change === 1) container[`${key}x`] = hostile(random, canary);
    else container[key] = mutate(container[key], random, canary);
    return container;
  }
  return hostile(random, canary);
}

function hostile(random: Random, canary: string): unknown {
  const values: unknown[] = [
    `10.0.0.1; add table inet fuzz`,
    `10.0.0.1 }\n}\nadd table inet fuzz\n`,
    `$(touch ${canary})`,
    `\`touch ${canary}\``,
    `| touch ${canary}`,
    `"; include "/etc/passwd"`,
    `/bin/touch ${canary}`,
    '../../bin/sh',
    '10.0.0.0/8',
    '0x0a000001',
    'fe80::1%;flush ruleset',
    '::ffff:10.0.0.1',
    '-j DROP',
    '10.0.0.1\nCOMMIT\n*filter\n-A OUTPUT -j DROP\n',
    'é\u0000\ud800',
    'x'.repeat(random(100_000)),
    -1,
    0,
    1.5,
    65_536,
    1e308,
    null,
    true,
    [],
    {},
    [[[[[[]]]]]],
    { toString: 1, constructor: 2 },
  ];
  return values[random(values.length)];
}
