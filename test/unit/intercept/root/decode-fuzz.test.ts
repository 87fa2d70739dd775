import { describe, expect, it } from 'vitest';
import type { Request } from '../../../../src/intercept/protocol/protocol.ts';
import { decodeRequest } from '../../../../src/intercept/root/decode-request.ts';
import { renderIptables } from '../../../../src/intercept/rules/iptables/iptables.ts';
import { nftTable, renderNft } from '../../../../src/intercept/rules/nft/nft.ts';
import { GrammarError } from '../../../../src/net/messages/field-reader.ts';
import { seededRandom } from '../rules/seeded-random.ts';
import { malformedRequest } from './malformed-request.ts';

const REQUESTS = 20_000;
const USER_ID = 1_000;

/** All that a rendered rule may be made of; no quote, no `$`, no `#`, no backslash. */
const SAFE_TEXT = /^[\w\s.:,;@/{}!=<>[\]*+"&()|-]*$/;

function decodeOrRefuse(line: string): Request | undefined {
  try {
    return decodeRequest(line);
  } catch (error) {
    if (error instanceof GrammarError) return undefined;
    throw error;
  }
}

describe('decodeRequest, fuzzed', () => {
  it('refuses, or takes what renders to rules of the one table', () => {
    const { seed, random } = seededRandom();
    let taken = 0;
    for (let count = 0; count < REQUESTS; count += 1) {
      for (const line of malformedRequest(random, '/tmp/canary').toString('utf8').split('\n')) {
        const request = decodeOrRefuse(line);
        if (request === undefined) continue;
        taken += 1;
        for (const text of textsOf(request)) expect(text, `seed ${seed}: ${line}`).toMatch(SAFE_TEXT);
      }
    }
    // Both sides of the border were tried.
    expect(taken).toBeGreaterThan(100);
    expect(taken).toBeLessThan(REQUESTS);
  });
});

function textsOf(request: Request): string[] {
  if (request.type !== 'apply') return [];
  const plan = { ...request.plan, userId: USER_ID };
  const nft = renderNft(plan, { instance: '1-2-3', lifetime: 'owner' });
  for (const [, table] of nft.matchAll(/^(?:add |delete )?table (inet \S+)/gm)) {
    expect(table).toBe(nftTable(plan));
  }
  const chains = plan.families.map((family) =>
    renderIptables(plan, { family, instance: '1-2-3', jumpAt: 1 }),
  );
  return [nft, ...chains];
}
