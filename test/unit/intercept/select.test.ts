import { describe, expect, it } from 'vitest';
import type { TshuttleError } from '../../../src/core/errors.ts';
import { candidatesFor, type ProbeFact, selectCandidate } from '../../../src/intercept/select.ts';

const NO_LIBRARY: ProbeFact = { kind: 'absent', candidate: 'libnftables', missing: 'libnftables.so.1' };
const NO_INTERACTIVE: ProbeFact = { kind: 'absent', candidate: 'nft-interactive', missing: 'nft' };
const NO_NFT: ProbeFact = { kind: 'absent', candidate: 'nft-file', missing: 'nft' };
const LEGACY: ProbeFact = {
  kind: 'usable',
  candidate: 'iptables-legacy',
  version: 'iptables v1.8.9 (legacy)',
  families: [4],
};

function failureOf(select: () => unknown): TshuttleError {
  try {
    select();
  } catch (error) {
    return error as TshuttleError;
  }
  throw new Error('it chose something');
}

describe('candidatesFor', () => {
  it('tries nft before iptables, and only what was asked for', () => {
    expect(candidatesFor('auto')[0]).toBe('libnftables');
    expect(candidatesFor('nft')).toEqual(['libnftables', 'nft-interactive', 'nft-file']);
    expect(candidatesFor('iptables')).toEqual(['iptables', 'iptables-nft', 'iptables-legacy']);
  });
});

describe('selectCandidate', () => {
  it('takes the first that works, and says why not the better ones', () => {
    const selection = selectCandidate('auto', [
      NO_LIBRARY,
      { kind: 'refused', candidate: 'nft-interactive', reason: 'Operation not supported' },
      { kind: 'usable', candidate: 'nft-file', version: 'nftables v0.9.3', families: [4, 6] },
    ]);
    expect(selection).toEqual({
      candidate: 'nft-file',
      method: 'nft',
      version: 'nftables v0.9.3',
      families: [4, 6],
      refusals: [
        'libnftables: libnftables.so.1 is not installed',
        'nft-interactive: Operation not supported',
      ],
    });
  });

  it('falls back to iptables-legacy when nothing else is there', () => {
    const facts = [NO_LIBRARY, NO_INTERACTIVE, NO_NFT, LEGACY];
    expect(selectCandidate('auto', facts)).toMatchObject({
      candidate: 'iptables-legacy',
      method: 'iptables',
      families: [4],
    });
  });

  it('does not take iptables when nft was asked for', () => {
    const error = failureOf(() => selectCandidate('nft', [NO_LIBRARY, NO_INTERACTIVE, NO_NFT, LEGACY]));
    expect(error.code).toBe('ERR_NO_INTERCEPTOR');
  });

  it('lists every refusal and what to install when nothing is there', () => {
    const error = failureOf(() => selectCandidate('nft', [NO_LIBRARY, NO_INTERACTIVE, NO_NFT]));
    expect(error.message).toContain('libnftables: libnftables.so.1 is not installed');
    expect(error.message).toContain('nft-file: nft is not installed');
    expect(error.remedy).toContain('apt install nftables');
  });

  it('speaks of rights, not of packages, when the kernel did not permit it', () => {
    const error = failureOf(() =>
      selectCandidate('auto', [
        {
          kind: 'refused',
          candidate: 'libnftables',
          reason: 'Error: Could not process rule: Operation not permitted',
        },
        NO_NFT,
      ]),
    );
    expect(error.remedy).toContain('CAP_NET_ADMIN');
  });
});
