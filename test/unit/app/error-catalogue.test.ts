import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EXIT_CODES } from '../../../src/app/exit-code.ts';
import type { ErrorCode } from '../../../src/core/errors.ts';

/**
 * For every code a test that meets its real cause: a server that refuses, a port that is taken, a kernel that will not. A new
 * code without one does not compile.
 */
const TRIGGERS: Readonly<Record<ErrorCode, readonly [file: string, title: string]>> = {
  ERR_USAGE: [
    'component/cli/command-line.test.ts',
    'with --log-format json every line on standard error is JSON: problems, warnings, failures',
  ],
  ERR_CONFIG: [
    'component/ssh/config/resolve-target.test.ts',
    'a missing -i file is an error; one of which only the public half is there is not',
  ],
  ERR_BASTION_UNREACHABLE: ['component/ssh/connect-failures.test.ts', 'refuses: the address is named'],
  ERR_BASTION_AUTH: [
    'component/ssh/connect-sshd.test.ts',
    'a refused key is named, with what is still wanted',
  ],
  ERR_BASTION_LOST: [
    'component/ssh/transport-open.test.ts',
    'ends with an error when the bastion is lost, or the transport closed',
  ],
  ERR_CHANNEL_REFUSED: ['component/ssh/transport-open.test.ts', 'by PermitOpen names what to permit'],
  ERR_HOST_KEY: ['component/ssh/connect-sshd.test.ts', 'a revoked one is refused, though it is filed too'],
  ERR_NO_INTERCEPTOR: ['component/intercept/client.test.ts', 'answers a start, and touches nothing'],
  ERR_NO_PRIVILEGE: [
    'component/intercept/client.test.ts',
    'takes a command that cannot run for missing privilege',
  ],
  ERR_INTERCEPT_APPLY: [
    'lab/intercept/replacement.test.ts',
    'are not installed at all when the kernel refuses them, and those before stay',
  ],
  ERR_HELPER_PROTOCOL: ['component/intercept/client.test.ts', 'takes %s for a broken protocol'],
  ERR_HELPER_LOST: [
    'component/intercept/client.test.ts',
    'reports a helper that ends unasked, and fails what is being asked',
  ],
  ERR_RULES_REMOVED: ['e2e/capture/removed-rules.test.ts', 'again and again, with --on-down exit: it ends'],
  ERR_LISTEN: ['component/net/sockets/listener.test.ts', 'a port that is taken is told with its number'],
  ERR_ORIGINAL_DST: [
    'component/net/sockets/listener.test.ts',
    'of a connection that is gone, nobody knows where it meant to go',
  ],
  ERR_CLEANUP: ['component/intercept/client.test.ts', 'says so when rules are left at the end'],
  ERR_ALREADY_RUNNING: [
    'component/daemon/files/pid-file.test.ts',
    'is refused while a live process holds it open',
  ],
  ERR_API_UNREACHABLE: ['component/openstack/https/http.test.ts', 'that %s is said to give none'],
  ERR_API_CERTIFICATE: [
    'component/openstack/keystone/identity-client.test.ts',
    'is not done when it is not safe: %s',
  ],
  ERR_API_REFUSED: ['component/openstack/keystone/identity-client.test.ts', 'which answers %i'],
  ERR_API_ANSWER: ['component/openstack/keystone/identity-client.test.ts', 'which answers %i'],
  ERR_INTERNAL: [
    'component/ssh/ssh2/internals/connection-internals.test.ts',
    'another version of ssh2 is refused with what to do',
  ],
};

/** The text of one test of a file, with the table of its cases, from the blank line before it to that after it. */
function textOfTest(source: string, title: string): string | undefined {
  return source.split(/\n\n(?= {0,4}(?:it|test)\b)/).find((text) => text.includes(`'${title}'`));
}

describe('every error code is met by a test with its real cause', () => {
  it.each(Object.entries(TRIGGERS))('%s', (code, [file, title]) => {
    const source = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
    expect(textOfTest(source, title), `${file} has no test '${title}'`).toContain(code);
  });

  it('and has an exit code', () => {
    expect(Object.keys(EXIT_CODES).sort()).toEqual(Object.keys(TRIGGERS).sort());
  });
});
