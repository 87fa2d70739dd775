import { execFile } from 'node:child_process';
import { closeSync, fstatSync, readSync } from 'node:fs';
import { release } from 'node:os';
import { promisify } from 'node:util';
import type { Config } from '../../../config/config.ts';
import { messageOf } from '../../../core/errors.ts';
import { openRegularFile } from '../../../core/files/regular-file.ts';
import { withoutControls } from '../../../core/printable.ts';
import type { TunnelReport } from '../../../daemon/control/protocol.ts';
import { methodsOn } from '../../../intercept/rules/redirect-methods.ts';
import { type Cidr, formatCidr } from '../../../net/address/cidr.ts';
import { readVersion } from '../../version.ts';
import type { Finding } from '../doctor/finding.ts';
import { renderFinding } from '../doctor/render-finding.ts';
import { type PrivateWord, wordsOfConfig, wordsOfMachine, wordsOfTunnel } from './private-words.ts';
import { Redactor } from './redactor.ts';

const run = promisify(execFile);
const TOOL_TIMEOUT_MS = 5_000;

/** How much of the end of a log is taken. */
const LOG_BYTES = 32_768;

/** The parts of a report. */
export interface ReportParts {
  /** Undefined when none was named. */
  readonly config: Config | undefined;
  readonly findings: readonly Finding[];
  readonly tunnels: readonly TunnelReport[];
  /** Whether a file is one of this user's logs. */
  readonly isKeptLog: (path: string) => boolean;
}

/**
 * Everything that a helper needs, without the user's names, addresses and secrets: each is replaced by a
 * word that stands for it everywhere.
 */
export async function composeReport({ config, findings, tunnels, isKeptLog }: ReportParts): Promise<string> {
  const words: readonly PrivateWord[] = [
    ...wordsOfMachine(),
    ...(config === undefined ? [] : wordsOfConfig(config)),
    ...tunnels.flatMap(wordsOfTunnel),
  ];
  const redactor = new Redactor(words);
  const logs = tunnels.map(({ name, logFile }) => [name, logEnd(logFile, isKeptLog)] as const);
  const sections: ReadonlyArray<readonly [title: string, text: string]> = [
    [
      'configuration',
      config === undefined ? 'none was named (-r)' : JSON.stringify(withoutSecrets(config), undefined, 2),
    ],
    [
      'doctor',
      findings.map((finding) => renderFinding(finding, { columns: undefined, hasColour: false })).join(''),
    ],
    ['tunnels', tunnels.length === 0 ? 'none is up' : JSON.stringify(tunnels, undefined, 2)],
    ...logs.map(([name, text]) => [`log of ${name}`, text] as const),
  ];
  const versions = `## versions\n\n${await versionLines()}`;
  const rest = sections.map(([title, text]) => redactor.redact(`## ${title}\n\n${text.trimEnd()}\n`));
  return ['# tshuttle report', `${versions}\n`, ...rest].join('\n\n');
}

const SUDO = ['sudo', '--version'] as const;

/** They say nothing about anybody, and look like addresses. */
async function versionLines(): Promise<string> {
  const methods = methodsOn(process.platform).map(({ versionCommand }) => versionCommand);
  const commands = [['ssh', '-V'], ...methods, ...(methods.length === 0 ? [] : [SUDO])] as const;
  const versions = await Promise.all(commands.map(([program, option]) => firstLine(program, option)));
  return [
    `tshuttle ${readVersion()}`,
    `Node.js ${process.version}, ${process.platform} ${process.arch}, kernel ${release()}`,
    ...versions,
  ].join('\n');
}

/** The first line of a program's own word about itself. */
async function firstLine(program: string, option: string): Promise<string> {
  try {
    const { stdout, stderr } = await run(program, [option], { timeout: TOOL_TIMEOUT_MS });
    return `${program}: ${(stdout || stderr).split('\n', 1)[0]}`;
  } catch (error) {
    return `${program}: ${messageOf(error).split('\n', 1)[0]}`;
  }
}

/** Whatever else becomes of it, a secret does not get into the text; networks are written as people write them. */
function withoutSecrets(config: Config): unknown {
  const networks = new Set<unknown>(networksOf(config));
  return JSON.parse(
    JSON.stringify(config, (key, value: unknown) => {
      if (networks.has(value)) return formatCidr(value as Cidr);
      // A command that tells others may have the token by which it does.
      return (key === 'password' || key === 'onEvent') && value !== undefined ? '***' : value;
    }),
  );
}

function networksOf({ subnets, dns }: Config): readonly Cidr[] {
  const named = subnets.flatMap(({ subnet }) => (subnet.kind === 'network' ? [subnet.cidr] : []));
  return dns === undefined ? named : [...named, dns.syntheticRanges.range4, dns.syntheticRanges.range6];
}

function logEnd(path: string | null, isKept: ReportParts['isKeptLog']): string {
  if (path === null) return 'it logs to standard error';
  // A file is not opened because a process says so.
  if (!isKept(path)) return 'it is in no folder of your logs';
  try {
    const descriptor = openRegularFile(path, 'read');
    try {
      const { size } = fstatSync(descriptor);
      const bytes = Buffer.alloc(Math.min(size, LOG_BYTES));
      const length = readSync(descriptor, bytes, 0, bytes.length, size - bytes.length);
      const text = withoutControls(bytes.toString('utf8', 0, length));
      // The first line is hardly a whole one.
      return bytes.length === size ? text : text.slice(text.indexOf('\n') + 1);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    return `cannot be read: ${messageOf(error)}`;
  }
}
