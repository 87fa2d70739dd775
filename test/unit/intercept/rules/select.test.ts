import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TshuttleError } from '../../../../src/core/errors.ts';
import { CANDIDATES } from '../../../../src/intercept/rules/redirect-methods.ts';
import { candidatesFor, type ProbeFact, selectCandidate } from '../../../../src/intercept/rules/select.ts';

const NO_LIBRARY: ProbeFact = { kind: 'absent', candidate: 'libnftables', missing: 'libnftables.so.1' };
const NO_UNOWNED: ProbeFact = { ...NO_LIBRARY, candidate: 'libnftables-unowned' };
const LEGACY: ProbeFact = {
  kind: 'usable',
  candidate: 'iptables-legacy',
  version: 'iptables v1.8.9 (legacy)',
  families: [4],
};

// By the methods of Linux, wherever this runs.
const own = process.platform;
beforeEach(() => void Object.defineProperty(process, 'platform', { value: 'linux' }));
afterEach(() => void Object.defineProperty(process, 'platform', { value: own }));

function failureOf(select: () => unknown): TshuttleError {
  try {
    select();
  } catch (error) {
    return error as TshuttleError;
  }
  throw new Error('it chose something');
}

describe('OpenBSD', () => {
  it('has a pf that takes other rules: nothing is captured there, and the remedy needs none', () => {
    expect(candidatesFor('auto', true, 'openbsd')).toEqual([]);
    const [auto, pf] = (['auto', 'pf'] as const).map((wanted) =>
      failureOf(() => selectCandidate(wanted, [], 'openbsd')),
    );
    expect([auto?.message, pf?.message]).toEqual([
      'nothing redirects connections on openbsd',
      'there is no pf on openbsd',
    ]);
    expect([auto?.code, auto?.remedy, pf?.remedy]).toEqual([
      'ERR_NO_INTERCEPTOR',
      expect.stringContaining('--socks'),
      expect.stringContaining('--socks'),
    ]);
  });
});

describe('candidatesFor', () => {
  it('tries nft before iptables, and only what was asked for', () => {
    expect(candidatesFor('auto', true)[0]).toBe('libnftables');
    expect(candidatesFor('nft', true)).toEqual(['libnftables', 'libnftables-unowned']);
    expect(candidatesFor('iptables', true)).toEqual(['iptables', 'iptables-nft', 'iptables-legacy']);
  });

  it('tries first what goes with the helper for whoever is not root, whatever was asked for', () => {
    expect(candidatesFor('iptables', false)).toEqual([
      'libnftables',
      'iptables',
      'iptables-nft',
      'iptables-legacy',
    ]);
    // Those of tproxy go with the helper as well, so whoever wants it has it.
    expect(candidatesFor('tproxy', false, 'linux')).toEqual(['tproxy']);
    expect(candidatesFor('auto', false, 'linux')).toEqual(CANDIDATES.filter((one) => one !== 'pf'));
    expect(candidatesFor('auto', false, 'darwin')).toEqual(['pf']);
    const library: ProbeFact = { kind: 'usable', candidate: 'libnftables', version: '1', families: [4, 6] };
    expect(selectCandidate('iptables', [library])).toMatchObject({ method: 'nft' });
  });
});

describe('selectCandidate', () => {
  it('says which methods there are on a system without the one that was asked for', () => {
    const error = failureOf(() => selectCandidate('nft', [], 'win32'));
    expect(error).toMatchObject({ code: 'ERR_NO_INTERCEPTOR', message: 'there is no nft on Windows' });
    expect(failureOf(() => selectCandidate('auto', [], 'win32'))).toMatchObject({
      message: 'nothing redirects connections on Windows',
      remedy: 'use --socks, which needs no rules',
    });
    expect(candidatesFor('auto', true, 'win32')).toEqual([]);
  });

  it('takes the first that works', () => {
    const selection = selectCandidate('auto', [
      { kind: 'refused', candidate: 'libnftables', reason: 'Operation not supported' },
      { kind: 'usable', candidate: 'libnftables-unowned', version: '1', families: [4, 6] },
    ]);
    expect(selection).toEqual({
      candidate: 'libnftables-unowned',
      method: 'nft',
      version: '1',
      families: [4, 6],
    });
  });

  it('falls back to iptables-legacy when nothing else is there', () => {
    const facts = [NO_LIBRARY, NO_UNOWNED, LEGACY];
    expect(selectCandidate('auto', facts)).toMatchObject({
      candidate: 'iptables-legacy',
      method: 'iptables',
      families: [4],
    });
  });

  it('does not take iptables when nft was asked for', () => {
    const error = failureOf(() => selectCandidate('nft', [NO_LIBRARY, NO_UNOWNED, LEGACY]));
    expect(error.code).toBe('ERR_NO_INTERCEPTOR');
  });

  it('says in one sentence that nothing is installed, and what to install', () => {
    const nothing: ProbeFact[] = CANDIDATES.map((candidate) => ({
      kind: 'absent',
      candidate,
      missing: 'something',
    }));
    const error = failureOf(() => selectCandidate('auto', nothing));
    expect(error.message).toBe('neither nft nor iptables is installed');
    expect(error.remedy).toContain('apt install nftables');
    expect(failureOf(() => selectCandidate('nft', nothing)).message).toBe('nft is not installed');
    expect(failureOf(() => selectCandidate('iptables', nothing)).message).toBe('iptables is not installed');
  });

  it('lists every refusal when something is there', () => {
    const refused: ProbeFact = { ...NO_UNOWNED, kind: 'refused', reason: 'Operation not supported' };
    const error = failureOf(() => selectCandidate('nft', [NO_LIBRARY, refused]));
    expect(error.message).toBe(
      'no way to redirect connections for --method nft: libnftables: libnftables.so.1 is not installed; ' +
        'libnftables-unowned: Operation not supported',
    );
  });

  it('speaks of rights, not of packages, when the kernel did not permit it', () => {
    const error = failureOf(() =>
      selectCandidate('auto', [
        {
          kind: 'refused',
          candidate: 'libnftables',
          reason: 'Error: Could not process rule: Operation not permitted',
        },
        NO_UNOWNED,
      ]),
    );
    expect(error.remedy).toContain('CAP_NET_ADMIN');
  });
});
