import { describe, expect, test } from 'vitest';
import { type AskedPage, admitRequest } from '../../../../../src/cli/commands/top/web/admit-request.ts';

const TOKEN = 'q'.repeat(43);
const OWN = { port: 41_234, token: TOKEN };
const HOST = '127.0.0.1:41234';

function asked(rest: Partial<AskedPage> = {}): AskedPage {
  return {
    method: 'GET',
    target: '/looks',
    hosts: [HOST],
    origin: undefined,
    site: undefined,
    authorization: `Bearer ${TOKEN}`,
    ...rest,
  };
}

const PAGE = { target: '/', authorization: undefined };

describe('who is answered', () => {
  test.each([
    ['what the page asks for, with the token', 'looks', { site: 'same-origin' }],
    ['another client that has the token', 'looks', {}],
    ['by the name that ssh -L is used with', 'looks', { hosts: ['localhost:41234'] }],
    ['the page itself', 'looks', { origin: `http://${HOST}`, site: 'same-origin' }],
    ['an address that was typed or pasted', 'page', { ...PAGE, site: 'none' }],
    ['a reload', 'page', { ...PAGE, site: 'same-origin' }],
    ['the page, for another client', 'page', PAGE],
  ] as const)('%s', (_, resource, rest) => {
    expect(admitRequest(asked(rest), OWN)).toBe(resource);
  });

  test('on port 80 browsers leave it out', () => {
    expect(admitRequest(asked({ hosts: ['127.0.0.1'] }), { ...OWN, port: 80 })).toBe('looks');
  });
});

describe('who is not', () => {
  test.each<readonly [string, number, Partial<AskedPage>]>([
    ['no token', 403, { authorization: undefined }],
    ['an empty token', 403, { authorization: 'Bearer ' }],
    ['another token', 403, { authorization: `Bearer ${'r'.repeat(43)}` }],
    ['a part of the token', 403, { authorization: `Bearer ${TOKEN.slice(1)}` }],
    ['a token with something behind it', 403, { authorization: `Bearer ${TOKEN} x` }],
    ['a token that is too long to be looked at', 403, { authorization: `Bearer ${'q'.repeat(10_000)}` }],
    ['another scheme', 403, { authorization: `Basic ${TOKEN}` }],
    ['a name that leads here (DNS rebinding)', 421, { hosts: ['evil.example:41234'] }],
    ['that for the page', 421, { ...PAGE, hosts: ['evil.example:41234'] }],
    ['another port', 421, { hosts: ['127.0.0.1:80'] }],
    ['no port', 421, { hosts: ['127.0.0.1'] }],
    ['another address of this machine', 421, { hosts: ['127.0.0.2:41234'] }],
    ['the right name and another behind it', 421, { hosts: [`${HOST}.evil.example`] }],
    ['a user before it', 421, { hosts: [`me@${HOST}`] }],
    ['no Host', 421, { hosts: [] }],
    ['two of them', 421, { hosts: [HOST, 'evil.example'] }],
    ['a page of another site', 403, { origin: 'https://evil.example', site: 'cross-site' }],
    ['a page that says nobody’s origin', 403, { origin: 'null' }],
    ['a page of another port of this machine', 403, { origin: 'http://127.0.0.1:9999' }],
    ['the same by its site alone', 403, { site: 'same-site' }],
    ['https where there is none', 403, { origin: `https://${HOST}` }],
    ['a link of another page to the page', 403, { ...PAGE, site: 'cross-site' }],
    ['what was typed, but is not the page', 403, { site: 'none' }],
    ['a change', 405, { method: 'POST' }],
    ['HEAD', 405, { ...PAGE, method: 'HEAD' }],
    [
      'OPTIONS: what a page of another site would ask first',
      405,
      { method: 'OPTIONS', authorization: undefined },
    ],
    ['what is not there', 404, { target: '/favicon.ico' }],
    ['what every object has', 404, { target: 'constructor' }],
    ['a way round', 404, { target: '/looks/../looks' }],
    ['the page with a query', 404, { target: `/?token=${TOKEN}` }],
    ['an absolute target', 404, { target: `http://${HOST}/looks` }],
  ])('%s: %i', (_, status, rest) => {
    expect(admitRequest(asked(rest), OWN)).toMatchObject({ status, why: expect.any(String) });
  });

  test('is not told what would have been right', () => {
    const refusals = [{ authorization: undefined }, { hosts: ['evil.example'] }, { site: 'cross-site' }];
    for (const refusal of refusals)
      expect(JSON.stringify(admitRequest(asked(refusal), OWN))).not.toContain(TOKEN);
  });
});
