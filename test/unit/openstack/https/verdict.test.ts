import { describe, expect, it } from 'vitest';
import { describeOutcome, judge, type Outcome } from '../../../../src/openstack/https/verdict.ts';

const answers = (status = 300): Outcome => ({ kind: 'answers', status });
const SILENT: Outcome = { kind: 'silent' };
const REFUSED: Outcome = { kind: 'refused' };

describe('the verdict on an endpoint', () => {
  it.each<[Outcome, Outcome, string, string]>([
    [SILENT, answers(), 'works', 'works'],
    [SILENT, answers(401), 'works', 'works'],
    [answers(), answers(), 'works', 'works, and without the bastion too'],
    [SILENT, answers(503), 'broken', 'it is reached, and answers 503'],
    [
      answers(),
      SILENT,
      'not-on-allow-list',
      "the bastion's address is not on the allow-list: what it sends is dropped",
    ],
    [
      SILENT,
      SILENT,
      'not-on-allow-list',
      "the bastion's address is not on the allow-list: what it sends is dropped",
    ],
    [
      answers(),
      REFUSED,
      'not-on-allow-list',
      "the bastion's address is not on the allow-list: it is refused, and this machine is not",
    ],
    [SILENT, REFUSED, 'nothing-listens', 'nothing listens there, or the bastion is refused'],
    [
      answers(401),
      answers(403),
      'not-on-allow-list',
      "the bastion's address is not on the allow-list: it gets 403, and this machine does not",
    ],
    [
      answers(403),
      answers(403),
      'not-on-allow-list',
      "perhaps the bastion's address is not on the allow-list: it gets 403",
    ],
    [
      SILENT,
      { kind: 'prohibited' },
      'forwarding-prohibited',
      "the bastion's sshd does not allow connections there (AllowTcpForwarding, PermitOpen)",
    ],
    [SILENT, { kind: 'no-tunnel', why: 'why' }, 'tunnel-broken', 'the tunnel is broken: why'],
    [SILENT, { kind: 'tls-name', why: 'why' }, 'tls-name-mismatch', 'TLS name mismatch: why'],
    [SILENT, { kind: 'tls-untrusted', why: 'why' }, 'tls-untrusted', 'why'],
    [answers(), { kind: 'unknown-name' }, 'unknown-name', 'the bastion does not know the name'],
    [SILENT, { kind: 'broken', why: 'why' }, 'broken', 'why'],
  ])('directly %j, through the bastion %j: %s', (direct, through, verdict, sentence) => {
    const judgement = judge(direct, through);
    expect(judgement).toMatchObject({ verdict, sentence });
    expect(judgement.remedy === null).toBe(verdict === 'works');
    expect(describeOutcome(through)).not.toBe('');
  });
});
