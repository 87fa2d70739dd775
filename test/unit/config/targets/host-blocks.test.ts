import { describe, expect, test } from 'vitest';
import { type HostBehind, linesOf, renderHostBlocks } from '../../../../src/config/targets/host-blocks.ts';

const GATE = { user: 'tunnel', host: '198.51.100.7', port: undefined, identity: undefined };

function hostOf(id: string, name: string, more: Partial<HostBehind> = {}): HostBehind {
  return {
    id,
    names: [name],
    address: '10.2.0.21',
    user: 'debian',
    identity: undefined,
    gate: GATE,
    ...more,
  };
}

const ID = '11111111-2222-3333-4444-555555555555';
const OTHER = 'abcdef22-2222-3333-4444-555555555555';

function wordsOf(hosts: readonly HostBehind[]): readonly string[] {
  return renderHostBlocks(hosts, [])
    .text.split('\n')
    .filter((line) => line.startsWith('Host '));
}

describe('a Host block', () => {
  test('goes by ProxyJump, and by a command where the gate has a key of its own', () => {
    expect(renderHostBlocks([hostOf(ID, 'web-1')], ['of the cloud a']).text).toBe(
      `# Written by tshuttle: changes are lost
# of the cloud a

Host ${ID} web-1
  HostName 10.2.0.21
  HostKeyAlias ${ID}
  User debian
  ProxyJump tunnel@198.51.100.7
`,
    );
    const gate = { ...GATE, port: 2222, identity: '/home/me/gate key 5%' };
    expect(linesOf(hostOf(ID, 'web-1', { identity: '/home/me/my key', gate }))).toContainEqual({
      keyword: 'ProxyCommand',
      value: "ssh -i '/home/me/gate key 5%%' -o IdentitiesOnly=yes -p 2222 -W %h:%p tunnel@198.51.100.7",
    });
  });

  test('an IPv6 address stands in brackets where a port follows', () => {
    const gate = { ...GATE, host: '2001:db8::7', port: 22 };
    const host = hostOf(ID, 'web-1', { address: '2001:db8::21' });
    expect(linesOf({ ...host, gate }).at(-1)?.value).toBe('tunnel@[2001:db8::7]:22');
    expect(linesOf({ ...host, gate: { ...gate, identity: '/k' } }).at(-1)?.value).toBe(
      "ssh -i '/k' -o IdentitiesOnly=yes -p 22 -W '[%h]:%p' tunnel@2001:db8::7",
    );
  });

  test('is in the order of the ids, whatever order they come in', () => {
    const hosts = [hostOf(OTHER, 'b'), hostOf(ID, 'a')];
    expect(renderHostBlocks(hosts, [])).toEqual(renderHostBlocks(hosts.toReversed(), []));
    expect(wordsOf(hosts)).toEqual([`Host ${ID} a`, `Host ${OTHER} b`]);
  });

  test.each([
    ['two words', 'two words'],
    ['a newline', 'a\nProxyCommand evil'],
    ['a carriage return', 'a\rHost *'],
    ['a pattern', 'web-*'],
    ['one letter of a pattern', 'web-?'],
    ['a negation', '!web'],
    ['a list', 'a,b'],
    ['a quote', '"web'],
    ['a comment', '#web'],
    ['an option', '-oProxyCommand=evil'],
    ['a token', 'web%h'],
    ['a separator of lines of Unicode', 'a\u2028Host *'],
    ['what turns the text round', 'a\u202Eb'],
    ['letters that a terminal may not have', 'gr\u00fc\u00df'],
    ['an address', '10.2.0.22'],
    ['a UUID', '00000000-0000-4000-8000-00000000000A'],
    ['more than a name has', 'x'.repeat(300)],
    ['the gate', '198.51.100.7'],
    ["another's id", OTHER],
    ["another's id in capitals", OTHER.toUpperCase()],
  ])('does not have a name that is or has %s', (_what, name) => {
    const { text, notes } = renderHostBlocks([hostOf(ID, name), hostOf(OTHER, 'plain')], []);
    expect(text.match(/^Host .*$/gm)).toEqual([`Host ${ID}`, `Host ${OTHER} plain`]);
    expect(text.match(/^(?!#|Host | {2}(?:HostName|HostKeyAlias|User|ProxyJump) ).+$/gm)).toBeNull();
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatchObject({
      where: ID,
      what: expect.stringMatching(/^the name ".*" is left out: /),
    });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
    expect(text).not.toMatch(/[\r\u0000-\u0009\u0080-\u009f\u2028\u202e]/);
  });

  test('has a name only where no other has it, however it is written', () => {
    expect(wordsOf([hostOf(ID, 'web'), hostOf(OTHER, 'Web')])).toEqual([`Host ${ID}`, `Host ${OTHER}`]);
  });

  test('of two that go by one id has their names alone', () => {
    const { text, notes } = renderHostBlocks([hostOf(ID, 'b', { user: 'root' }), hostOf(ID, 'a')], []);
    expect(text.match(/^Host .*$/gm)).toEqual(['Host a', 'Host b']);
    expect(notes).toEqual([
      { where: ID, what: 'is left out: 2 hosts have it; use a' },
      { where: ID, what: 'is left out: 2 hosts have it; use b' },
    ]);
  });

  test('a header cannot add a line', () => {
    expect(renderHostBlocks([], ['a\nHost *\n  ProxyCommand evil']).text).toBe(
      '# Written by tshuttle: changes are lost\n# a Host * ProxyCommand evil\n\n',
    );
  });
});
