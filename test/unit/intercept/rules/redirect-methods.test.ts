import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  listingCommands,
  REDIRECT_METHODS,
  wantedMethods,
} from '../../../../src/intercept/rules/redirect-methods.ts';

/** What a method is declared in, beside the folders of its own. */
const PLACES = ['rules/redirect-methods.ts', 'rules/render-plan.ts', 'root/drivers/drivers.ts'];

describe('REDIRECT_METHODS', () => {
  it('is where a method is named: no other code of src asks for one by its name', () => {
    const names = REDIRECT_METHODS.map(({ name }) => name);
    const own = names.flatMap((name) => [`rules/${name}/`, `root/drivers/${name}/`]);
    const quoted = new RegExp(`'(?:${names.join('|')})'|(?:^|[{,])\\s*(?:${names.join('|')}):`, 'm');
    const naming = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && quoted.test(readFileSync(join('src', file), 'utf8')),
    );
    const outside = naming.filter((file) => !own.some((folder) => file.startsWith(`intercept/${folder}`)));
    expect(outside.sort()).toEqual(PLACES.map((place) => `intercept/${place}`).sort());
  });

  it('gives what people read of all methods', () => {
    expect(wantedMethods('linux')).toBe('auto, nft, iptables or tproxy');
    expect(wantedMethods('freebsd')).toBe('auto or pf');
    expect(wantedMethods('win32')).toBe('auto');
    expect(listingCommands('linux')).toBe(
      'nft list ruleset, iptables-save, iptables-legacy-save and ip rule',
    );
    expect(listingCommands('darwin')).toBe('pfctl -s all');
    expect(listingCommands('win32')).toBe('');
  });
});
