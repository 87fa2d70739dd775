import { describe, expect, it } from 'vitest';
import { planNode } from '../../../../src/intercept/install/node-copy.ts';

const SYSTEM = ['/lib/x86_64-linux-gnu/libc.so.6', '/usr/lib/x86_64-linux-gnu/libnode.so.115'];

/** Everything below /home is somebody's. */
const whyNot = (path: string): string | undefined =>
  path.startsWith('/home/') ? 'belongs to alice' : undefined;
const plan = (node: string, libraries: readonly string[]) => planNode(node, libraries, whyNot);

describe('the Node.js that may run as root', () => {
  it('is the one that is there, where only root can change it and what it loads', () => {
    expect(plan('/usr/bin/node', SYSTEM)).toEqual({ kind: 'as it is' });
  });

  it('is a copy without libraries, where those are root’s', () => {
    expect(plan('/home/alice/bin/node', SYSTEM)).toEqual({
      kind: 'copy',
      files: [{ from: '/home/alice/bin/node', to: 'bin/node' }],
    });
  });

  it('is a copy with the libraries that others could change, at the same place beside it', () => {
    expect(
      plan('/home/alice/node/bin/node', [
        ...SYSTEM,
        '/home/alice/node/bin/../lib/libnode.so.127',
        '/home/alice/node/bin/libz.so.1',
      ]),
    ).toEqual({
      kind: 'copy',
      files: [
        { from: '/home/alice/node/bin/node', to: 'bin/node' },
        { from: '/home/alice/node/bin/../lib/libnode.so.127', to: 'lib/libnode.so.127' },
        { from: '/home/alice/node/bin/libz.so.1', to: 'bin/libz.so.1' },
      ],
    });
  });

  it('is a copy where the path cannot stand in a #! line', () => {
    expect(plan('/opt/a b/node', SYSTEM)).toEqual({
      kind: 'copy',
      files: [{ from: '/opt/a b/node', to: 'bin/node' }],
    });
  });

  it('is none where a library is far from it', () => {
    expect(() => plan('/usr/bin/node', ['/home/alice/libnode.so.115'])).toThrow(
      'Node.js (/usr/bin/node) cannot be granted: it loads /home/alice/libnode.so.115, which is not beside it',
    );
  });
});
