import {
  type KeyEntry,
  keyEntries,
  keyWith,
  PERMIT_OPEN,
  withKey,
  withoutKey,
} from '../../../../bastion/gates/authorized-keys.ts';
import { GATE_GREETING } from '../../../../bastion/gates/gate-script.ts';
import { parseAuthorizedKeys } from '../../../../bastion/public-keys.ts';
import { absolutePaths } from '../../../../config/parse/files/named-files.ts';
import { readTextFile } from '../../../../config/parse/files/text-file.ts';
import type { Gate } from '../../../../config/profiles/load-gates.ts';
import { homeFolder } from '../../../../core/accounts.ts';
import type { TshuttleError } from '../../../../core/errors.ts';
import { START_FOLDER } from '../../../../core/files/start-folder.ts';
import { printableLine } from '../../../../core/printable.ts';
import type { Problem } from '../../../../core/problem.ts';
import type { SshRequest } from '../../../../ssh/config/request.ts';
import { resolveTarget } from '../../../../ssh/config/target.ts';
import { fingerprintOf, parsePublicKeyLine } from '../../../../ssh/keys/public-key.ts';
import { type GateSession, openGateSession } from '../../../../ssh/openssh/gate-session.ts';
import type { MasterContext } from '../../../../ssh/openssh/master.ts';
import type { CommandSession } from '../../../command/command-definition.ts';
import { loadedGates, unknownEntry } from '../load.ts';
import { gateFailure } from './gate-failure.ts';
import { changeBySftp, readBySftp } from './keys-by-sftp.ts';

/** What `tshuttle gate keys` is asked for. */
export type GateKeysInput = { readonly gate: string } & (
  | { readonly action: 'list'; readonly asJson: boolean }
  | { readonly action: 'add'; readonly file: string; readonly permitOpen: readonly string[] }
  /** A file with the key, or its fingerprint. */
  | { readonly action: 'remove'; readonly key: string }
);

/**
 * Lists or changes the keys that may log in to a gate, by one login with its management key. A gate that has the script of
 * `bastion init --for gate` does it by that, any other by SFTP.
 *
 * @param open logs in to the gate
 * @returns the exit code
 * @throws TshuttleError as `openGateSession` and `changeBySftp`; ERR_CHANNEL_REFUSED when the script refuses
 */
export async function gateKeys(
  input: GateKeysInput,
  session: CommandSession,
  open: OpenGate = openGate,
): Promise<number> {
  const loaded = await loadedGates(session);
  if (typeof loaded === 'number') return loaded;
  const gate = loaded.gates.get(input.gate);
  const problems: Problem[] = [];
  if (gate === undefined) problems.push(unknownEntry('gate', input.gate, loaded.gates, loaded.file));
  const wanted = wantedKey(input, problems);
  if (gate === undefined || problems.length > 0) return await session.refuse('ERR_CONFIG', problems);
  const { tunnelContext } = await session.prepare({ logFormat: 'auto', verbosity: 0 });
  const { signal } = session.process.stop;
  const context = { logger: tunnelContext.logger, signal };
  const opened = await open(gate, context);
  // ssh, which asks by itself, has logged in.
  tunnelContext.onStep?.(
    input.action === 'list' ? `reading the keys of ${input.gate}` : `changing the keys of ${input.gate}`,
  );
  try {
    return await doAtGate(opened, { input, wanted, managementKey: gate.managementKey, signal }, session);
  } finally {
    tunnelContext.onStep?.(undefined);
    await opened.close();
  }
}

type OpenGate = (gate: Gate, context: MasterContext) => Promise<GateSession>;

const openGate: OpenGate = async (gate, context) => {
  const request = requestOf(gate);
  return await openGateSession(await resolveTarget(request, context), request, context);
};

/** What is to be done at a gate that is logged in to. */
interface GateWork {
  readonly input: GateKeysInput;
  readonly wanted: WantedKey | undefined;
  readonly managementKey: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * Does it.
 *
 * @returns the exit code
 * @throws TshuttleError as {@link gateKeys}
 */
async function doAtGate(
  opened: GateSession,
  { input, wanted, managementKey, signal }: GateWork,
  session: CommandSession,
): Promise<number> {
  const { isScript, text } = await readKeys(opened);
  if (input.action === 'list' || wanted === undefined) {
    showKeys(keyEntries(text), opened, input.action === 'list' && input.asJson, session);
    return 0;
  }
  const refuse = (where: string, what: string): Promise<number> =>
    session.refuse('ERR_CONFIG', [{ where, what }]);
  const key = 'line' in wanted ? wanted.line : keyWith(text, wanted.fingerprint);
  const isThere = key !== undefined && withoutKey(text, key) !== text;
  const why = key === undefined ? undefined : whyManagement(key, opened, managementKey);
  if (why !== undefined) return await refuse(input.gate, why);
  if (key === undefined || (input.action === 'remove' && !isThere))
    return await refuse('key' in input ? input.key : input.gate, 'is not a key of this gate');
  const places = input.action === 'add' ? input.permitOpen : [];
  if (isScript) await changeByScript(opened, [input.action, ...places], key);
  else {
    const isAdded = input.action === 'add';
    await changeBySftp(opened, (now) => (isAdded ? withKey(now, key, places) : withoutKey(now, key)), signal);
  }
  const fingerprint = fingerprintOf(parsePublicKeyLine(key)!);
  session.print(
    `${opened.description}: ${fingerprint} may ${input.action === 'add' ? '' : 'no longer '}log in\n`,
  );
  return 0;
}

async function readKeys(gate: GateSession): Promise<{ readonly isScript: boolean; readonly text: string }> {
  const { output, exitCode, said } = await gate.command('tshuttle-gate-keys list', '');
  const isScript = output.startsWith(`${GATE_GREETING}\n`);
  // Of one that gives no answer it is not known what it is.
  if (exitCode === null || (isScript && exitCode !== 0)) throw await scriptFailure(gate, said);
  if (!isScript) return { isScript, text: await readBySftp(gate) };
  return { isScript: true, text: output.slice(GATE_GREETING.length + 1) };
}

/** A key, or the fingerprint of one that is there. */
type WantedKey = { readonly line: string } | { readonly fingerprint: string };

function wantedKey(input: GateKeysInput, problems: Problem[]): WantedKey | undefined {
  if (input.action === 'list') return undefined;
  if (input.action === 'remove' && /^SHA256:[A-Za-z0-9+/]{43}$/.test(input.key))
    return { fingerprint: input.key };
  if (input.action === 'add') {
    for (const place of input.permitOpen.filter((one) => !PERMIT_OPEN.test(one)))
      problems.push({
        where: `--permit-open ${place}`,
        what: 'is not HOST:PORT, with [...] round an IPv6 address; * means any',
      });
  }
  const file = input.action === 'add' ? input.file : input.key;
  const path = absolutePaths({ homeDirectory: homeFolder(), workingDirectory: START_FOLDER })(file);
  const read = readTextFile(file === '-' ? file : path);
  if (read.kind === 'unreadable') {
    problems.push({ where: file, what: read.what });
    return undefined;
  }
  const parsed = parseAuthorizedKeys(read.text);
  if (parsed.kind === 'wrong')
    problems.push({ where: parsed.line === undefined ? file : `${file}:${parsed.line}`, what: parsed.what });
  else if (parsed.lines.length > 1)
    problems.push({ where: file, what: `has ${parsed.lines.length} keys; give one at a time` });
  else return { line: parsed.lines[0]! };
  return undefined;
}

function requestOf({ host, port, user, managementUser, managementKey }: Gate): SshRequest {
  return {
    ...{ host, port, password: undefined },
    user: managementUser ?? user,
    identityFiles: managementKey === undefined ? [] : [managementKey],
    // A key of the tunnels would be let in, too, and could do nothing.
    options: managementKey === undefined ? [] : ['IdentitiesOnly=yes'],
  };
}

/** The key that changes keys is never one of them: whoever removed it could not come back. */
function whyManagement(
  key: string,
  { acceptedKey }: GateSession,
  managementKey: string | undefined,
): string | undefined {
  const fingerprint = fingerprintOf(parsePublicKeyLine(key)!);
  const beside =
    managementKey === undefined ? undefined : readTextFile(`${managementKey.replace(/\.pub$/, '')}.pub`);
  const own = beside?.kind === 'text' ? parsePublicKeyLine(beside.text.split('\n', 1)[0]!) : undefined;
  const isOwn = fingerprint === acceptedKey || (own !== undefined && fingerprintOf(own) === fingerprint);
  if (isOwn) return 'its management key is never changed';
  return acceptedKey === undefined && own === undefined
    ? 'ssh did not say which key it logged in with, which might be this one; give the gate a --management-key'
    : undefined;
}

async function changeByScript(gate: GateSession, words: readonly string[], key: string): Promise<void> {
  const { exitCode, said } = await gate.command(`tshuttle-gate-keys ${words.join(' ')}`, `${key}\n.\n`);
  if (exitCode !== 0) throw await scriptFailure(gate, said);
}

function scriptFailure(gate: GateSession, said: string): Promise<TshuttleError> {
  const remedy = 'see which keys it has with tshuttle gate keys list, and try again';
  return gateFailure(gate, said.replace(/^tshuttle-gate-keys: /, ''), remedy);
}

function showKeys(
  entries: readonly KeyEntry[],
  { acceptedKey }: GateSession,
  asJson: boolean,
  { print }: Pick<CommandSession, 'print'>,
): void {
  const keys = entries.map((entry) => ({ ...entry, isManagement: entry.fingerprint === acceptedKey }));
  if (asJson) print(`${JSON.stringify(keys)}\n`);
  else if (keys.length === 0) print('there are no keys\n');
  for (const { fingerprint, type, comment, options, isManagement } of asJson ? [] : keys) {
    const words = [fingerprint, type, printableLine(comment) || '-', printableLine(options) || 'no options'];
    print(`${words.join('  ')}${isManagement ? '  (management key)' : ''}\n`);
  }
}
