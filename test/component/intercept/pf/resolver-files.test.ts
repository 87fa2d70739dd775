import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { cleanUpDeadInstances } from '../../../../src/intercept/root/cleanup.ts';
import type { RuleBackend } from '../../../../src/intercept/root/drivers/backend/rule-backend.ts';
import { pfDriver } from '../../../../src/intercept/root/drivers/pf/pf-driver.ts';
import { PfRecords } from '../../../../src/intercept/root/drivers/pf/pf-records.ts';
import { resolverFileText } from '../../../../src/intercept/root/resolver/resolver-file-text.ts';
import { ResolverFolder } from '../../../../src/intercept/root/resolver/resolver-folder.ts';
import type { OwnedPlan } from '../../../../src/intercept/rules/redirect-plan.ts';
import { fakeMachine } from '../../../support/pf/fake-machine.ts';
import { FakePf } from '../../../support/pf/fake-pf.ts';

/** A Mac whose /etc/resolver is a folder of this test. */
function openMac({ platform = 'darwin' }: { platform?: 'darwin' | 'freebsd' } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'tshuttle-resolver-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const fake = FakePf.create(folder, platform);
  const warnings: string[] = [];
  const driver = pfDriver(() => fakeMachine(fake, (message) => warnings.push(message)));
  const resolver = join(folder, 'resolver');
  const open: RuleBackend[] = [];
  onTestFinished(async () => void (await Promise.all(open.map((one) => one.close()))));
  return {
    fake,
    folder,
    resolver,
    driver,
    warnings,
    records: new PfRecords(join(folder, 'run')),
    files: () => (existsSync(resolver) ? readdirSync(resolver).sort() : []),
    textOf: (zone: string) => readFileSync(join(resolver, zone), 'utf8'),
    async openBackend(): Promise<RuleBackend> {
      const backend = await driver.open('pf');
      open.push(backend);
      return backend;
    },
  };
}

function planFor(zones: readonly string[], { listenerPort = 12_300, port = 12_353 } = {}): OwnedPlan {
  return {
    userId: 501,
    listenerPort,
    families: [4],
    groups: [],
    exempt: [],
    dns: null,
    replies: 'plain',
    tmark: null,
    udp: 'direct',
    only: null,
    alsoFrom: null,
    resolverFiles: zones.length === 0 ? null : { zones, port },
  };
}

describe('files in /etc/resolver', () => {
  it('are there for the zones of the plan in force, and for no others, and gone at the end, with the folder', async () => {
    const mac = openMac();
    const backend = await mac.openBackend();
    await backend.apply(planFor(['internal.example', 'b.example']));
    expect(mac.textOf('internal.example')).toMatch(
      /^# tshuttle 501-12300: .*\nnameserver 127\.0\.0\.1\nport 12353\n$/,
    );
    expect(lstatSync(join(mac.resolver, 'internal.example')).mode & 0o777).toBe(0o644);
    expect([mac.files(), backend.leftZones]).toEqual([['b.example', 'internal.example'], []]);
    const { ino } = lstatSync(join(mac.resolver, 'b.example'));
    await backend.apply(planFor(['b.example', '_ldap._tcp.c.example']));
    expect(mac.files()).toEqual(['_ldap._tcp.c.example', 'b.example']);
    expect(lstatSync(join(mac.resolver, 'b.example')).ino, 'what has not changed is not made anew').toBe(ino);
    await backend.apply(planFor(['b.example'], { port: 12_354 }));
    expect(mac.textOf('b.example')).toContain('port 12354\n');
    await backend.apply(planFor([]));
    expect(mac.files()).toEqual([]);
    await backend.apply(planFor(['b.example']));
    await backend.close();
    expect(existsSync(mac.resolver)).toBe(false);
    expect(readdirSync(join(mac.folder, 'run')), 'nor anything that they were made of').toEqual(['lock']);
  });

  it('of which one cannot be removed stay alone, and in the record; each is told, and the next to come removes them', async () => {
    const mac = openMac();
    const backend = await mac.openBackend();
    await backend.apply(planFor(['a.example', 'b.example', 'c.example', 'd.example']));
    const remove = ResolverFolder.prototype.remove;
    const stuck = new Set(['a.example', 'c.example']);
    const spy = vi.spyOn(ResolverFolder.prototype, 'remove').mockImplementation(function (
      this: ResolverFolder,
      zone,
      owner,
    ) {
      if (stuck.has(zone)) throw new Error('EPERM: operation not permitted');
      remove.call(this, zone, owner);
    });
    onTestFinished(() => spy.mockRestore());
    // What is needed no more is in nobody's way: the rest of the plan is in force.
    await backend.apply(planFor(['d.example', 'e.example']));
    expect(mac.files()).toEqual(['a.example', 'c.example', 'd.example', 'e.example']);
    expect(mac.warnings).toEqual([
      expect.stringMatching(/a\.example: EPERM/),
      expect.stringMatching(/c\.example: EPERM/),
    ]);
    await expect(backend.close()).rejects.toThrow(/a\.example: EPERM.*; .*c\.example: EPERM/);
    expect(mac.files()).toEqual(['a.example', 'c.example']);
    stuck.clear();
    await backend.close();
    expect(existsSync(mac.resolver)).toBe(false);
  });

  it('of other programs are never touched, whatever they are: the zone is captured, and that is told', async () => {
    const mac = openMac();
    mkdirSync(mac.resolver);
    const precious = join(mac.folder, 'precious');
    writeFileSync(precious, 'precious');
    writeFileSync(join(mac.resolver, 'vpn.example'), 'nameserver 10.0.0.1\n');
    writeFileSync(
      join(mac.resolver, 'alike.example'),
      'nameserver 10.0.0.1\n# tshuttle 501-12300: not its first line\n',
    );
    symlinkSync(precious, join(mac.resolver, 'link.example'));
    symlinkSync(join(mac.folder, 'nowhere'), join(mac.resolver, 'dangling.example'));
    mkdirSync(join(mac.resolver, 'folder.example'));
    const before = mac.files();
    const backend = await mac.openBackend();
    await backend.apply(planFor([...before, 'ours.example']));
    expect(backend.leftZones).toEqual(before.map((zone) => ({ zone, why: 'foreign file' })));
    expect(mac.files()).toEqual([...before, 'ours.example'].sort());
    await backend.close();
    expect(mac.files()).toEqual(before);
    expect(mac.textOf('vpn.example')).toBe('nameserver 10.0.0.1\n');
    expect(readFileSync(precious, 'utf8')).toBe('precious');
    expect(existsSync(join(mac.folder, 'nowhere'))).toBe(false);
    expect((await cleanUpDeadInstances([mac.driver])).removed).toEqual([]);
    expect(mac.files()).toEqual(before);
  });

  it('that another program has put in the place of ours stay', async () => {
    const mac = openMac();
    const backend = await mac.openBackend();
    await backend.apply(planFor(['a.example', 'b.example']));
    writeFileSync(join(mac.resolver, 'a.example'), 'nameserver 10.0.0.1\n');
    rmSync(join(mac.resolver, 'b.example'));
    await backend.close();
    expect([mac.files(), mac.textOf('a.example')]).toEqual([['a.example'], 'nameserver 10.0.0.1\n']);
  });

  it('are the first tunnel’s where two have the zone, and the other’s once that has ended', async () => {
    const mac = openMac();
    const [first, second] = [await mac.openBackend(), await mac.openBackend()];
    await first.apply(planFor(['a.example']));
    const later = planFor(['a.example', 'b.example'], { listenerPort: 12_400 });
    await second.apply(later);
    expect(second.leftZones).toEqual([{ zone: 'a.example', why: 'other tunnel' }]);
    expect(mac.textOf('a.example')).toContain('501-12300');
    const report = await cleanUpDeadInstances([mac.driver]);
    expect([report.removed, mac.files()]).toEqual([[], ['a.example', 'b.example']]);
    await first.close();
    expect(mac.files()).toEqual(['b.example']);
    await second.apply(later);
    expect([second.leftZones, mac.files()]).toEqual([[], ['a.example', 'b.example']]);
    await second.close();
    expect(mac.files()).toEqual([]);
  });

  it('of dead tunnels go with the next clean-up, with and without what they have written down', async () => {
    const mac = openMac();
    const backend = await mac.openBackend();
    await backend.apply(planFor(['living.example']));
    writeFileSync(
      join(mac.resolver, 'restarted.example'),
      '# tshuttle 501-9: x\nnameserver 127.0.0.1\nport 5\n',
    );
    writeFileSync(
      join(mac.resolver, 'killed.example'),
      '# tshuttle 501-7: x\nnameserver 127.0.0.1\nport 5\n',
    );
    const record = mac.records.create();
    record.write({ ...record.holdings, owner: { userId: 501, listenerPort: 7 }, zones: ['killed.example'] });
    record.close();
    const report = await cleanUpDeadInstances([mac.driver]);
    expect([report.failed, report.unread]).toEqual([[], []]);
    expect(report.removed).toEqual([
      'pf anchor com.apple/tshuttle-501-7',
      `the file ${join(mac.resolver, 'restarted.example')}`,
    ]);
    expect(mac.files()).toEqual(['living.example']);
  });

  it('of a dead tunnel make way for those of one that lives', async () => {
    const mac = openMac();
    mkdirSync(mac.resolver);
    writeFileSync(join(mac.resolver, 'a.example'), '# tshuttle 501-9: x\nnameserver 127.0.0.1\nport 5\n');
    const backend = await mac.openBackend();
    await backend.apply(planFor(['a.example']));
    expect([backend.leftZones, mac.textOf('a.example')]).toEqual([[], expect.stringContaining('501-12300')]);
  });

  it.each([
    [
      'a link to a folder of somebody else',
      (mac: ReturnType<typeof openMac>) => symlinkSync(mac.folder, mac.resolver),
    ],
    [
      'open to all',
      (mac: ReturnType<typeof openMac>) => {
        mkdirSync(mac.resolver);
        chmodSync(mac.resolver, 0o777);
      },
    ],
    ['a file', (mac: ReturnType<typeof openMac>) => writeFileSync(mac.resolver, 'x')],
  ])('are not written where /etc/resolver is %s', async (_what, prepare) => {
    const mac = openMac();
    prepare(mac);
    const backend = await mac.openBackend();
    await backend.apply(planFor(['internal.example']));
    expect(backend.leftZones).toEqual([{ zone: 'internal.example', why: 'refused' }]);
    expect(mac.warnings).toEqual([expect.stringContaining('is not root')]);
    expect(existsSync(join(mac.folder, 'internal.example'))).toBe(false);
    rmSync(mac.resolver, { recursive: true });
    await backend.close();
  });

  it('are macOS’s alone', async () => {
    const mac = openMac({ platform: 'freebsd' });
    const backend = await mac.openBackend();
    await backend.apply(planFor(['internal.example']));
    expect([backend.leftZones, mac.files()]).toEqual([[], []]);
  });
});

describe('ResolverFolder', () => {
  const owner = { userId: 1_000, listenerPort: 12_300 };
  const text = resolverFileText(owner, 12_353);

  function folderOf(files: Readonly<Record<string, string>>) {
    const path = mkdtempSync(join(tmpdir(), 'tshuttle-resolver-'));
    onTestFinished(() => rmSync(path, { recursive: true }));
    for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
    return { path, folder: new ResolverFolder(path, path) };
  }

  it("removes nothing that is another tunnel's", () => {
    const { folder } = folderOf({ 'corp.example': text });
    folder.remove('corp.example', { ...owner, listenerPort: 12_301 });
    folder.remove('corp.example', { ...owner, userId: 1_001 });
    expect(folder.see('corp.example')).toEqual({ kind: 'ours', owner, text });
    folder.remove('corp.example', owner);
    expect(folder.see('corp.example')).toEqual({ kind: 'none' });
  });

  it('takes no link for ours, whatever it leads to', () => {
    const { path, folder } = folderOf({ ours: text });
    symlinkSync(join(path, 'ours'), join(path, 'corp.example'));
    expect(folder.see('corp.example')).toEqual({ kind: 'foreign' });
  });

  it.runIf(process.geteuid?.() === 0)("takes no file of another user's for ours", () => {
    const { path, folder } = folderOf({ 'corp.example': text });
    chownSync(join(path, 'corp.example'), 1_000, 1_000);
    expect(folder.see('corp.example')).toEqual({ kind: 'foreign' });
  });
});
