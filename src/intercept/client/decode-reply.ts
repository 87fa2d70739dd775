import { MAX_NAME_CHARACTERS } from '../../net/address/zone.ts';
import {
  type Fields,
  fieldOf,
  GrammarError,
  readEndpoint,
  readFamilies,
  readInteger,
  readJson,
  readList,
  readObject,
  readText,
  readWord,
} from '../../net/messages/field-reader.ts';
import {
  LOOK_UP_FAILURES,
  type LookUp,
  MAX_LOOK_UPS,
  MAX_STRANDED,
  STRANDED_FATES,
} from '../../net/sockets/redirected-connection.ts';
import type { CleanupReport, HelperLogLine, Reply } from '../protocol/protocol.ts';
import type { LeftUndone } from '../rules/left-undone.ts';
import { isCgroupPath } from '../rules/program-match.ts';
import { CANDIDATES } from '../rules/redirect-methods.ts';
import { LEFT_ZONE_REASONS, type LeftZone, MAX_RESOLVER_FILES } from '../rules/resolver-files.ts';
import { MAX_FACT_CHARACTERS, MAX_FACTS, type PfFacts, type RuleFacts } from '../rules/rule-facts.ts';
import type { ProbeFact } from '../rules/select.ts';

const REPLY_TYPES = [
  'hello',
  'done',
  'applied',
  'started',
  'cleaned',
  'stranded',
  'looked-up',
  'enclosed',
  'looked',
  'failed',
  'rules',
] as const;
const MAX_TEXT_CHARACTERS = 32 * 1024;
const MAX_REPORT_LINES = 1_024;

/**
 * Takes one line of the helper's stdout as a reply.
 *
 * @throws GrammarError for anything that is not exactly in the grammar
 */
export function decodeReply(line: string): Reply {
  const value = readJson(line);
  const type = readWord(fieldOf(value, 'type'), 'type', REPLY_TYPES);
  const reply = (...keys: string[]): Fields => readObject(value, 'reply', ['type', ...keys]);
  switch (type) {
    case 'hello': {
      const fields = reply('version', 'pid');
      const version = readInteger(fields['version'], 'version', 1, 1_000_000);
      return { type, version, pid: readInteger(fields['pid'], 'pid', 1, 2 ** 31) };
    }
    case 'done':
      return { type, id: readId(reply('id')) };
    case 'applied': {
      const fields = reply('id', 'left');
      return { type, id: readId(fields), left: readLeftUndone(fields['left']) };
    }
    case 'started': {
      const fields = reply('id', 'report', 'facts');
      return {
        type,
        id: readId(fields),
        report: readReport(fields['report']),
        facts: readList(fields['facts'], 'facts', CANDIDATES.length, readFact),
      };
    }
    case 'cleaned': {
      const fields = reply('id', 'report');
      return { type, id: readId(fields), report: readReport(fields['report']) };
    }
    case 'stranded': {
      const fields = reply('id', 'fates');
      const fates = readList(fields['fates'], 'fates', MAX_STRANDED, (fate, where) =>
        readWord(fate, where, STRANDED_FATES),
      );
      return { type, id: readId(fields), fates };
    }
    case 'looked-up': {
      const fields = reply('id', 'results');
      return {
        type,
        id: readId(fields),
        results: readList(fields['results'], 'results', MAX_LOOK_UPS, readLookUp),
      };
    }
    case 'enclosed': {
      const fields = reply('id', 'cgroup');
      const cgroup = readText(fields['cgroup'], 'cgroup', MAX_TEXT_CHARACTERS);
      if (!isCgroupPath(cgroup)) throw new GrammarError('cgroup is not the path of a control group');
      return { type, id: readId(fields), cgroup };
    }
    case 'looked': {
      const fields = reply('id', 'facts');
      return { type, id: readId(fields), facts: readFacts(fields['facts']) };
    }
    case 'failed': {
      const fields = reply('id', 'reason');
      return { type, id: readId(fields), reason: readText(fields['reason'], 'reason', MAX_TEXT_CHARACTERS) };
    }
    case 'rules': {
      const fields = reply('state', 'what');
      return {
        type,
        state: readWord(fields['state'], 'state', ['back', 'lost']),
        what: readText(fields['what'], 'what', MAX_TEXT_CHARACTERS),
      };
    }
  }
}

/** Takes one line of the helper's stderr as a log line; undefined when it is something else, such as sudo's words. */
export function decodeLogLine(line: string): HelperLogLine | undefined {
  try {
    const fields = readObject(readJson(line), 'log line', ['level', 'message']);
    return {
      level: readWord(fields['level'], 'level', ['debug', 'info', 'warn', 'error']),
      message: readText(fields['message'], 'message', MAX_TEXT_CHARACTERS),
    };
  } catch {
    return undefined;
  }
}

function readId(fields: Fields): number {
  return readInteger(fields['id'], 'id', 1, Number.MAX_SAFE_INTEGER);
}

function readLeftUndone(value: unknown): LeftUndone {
  const fields = readObject(value, 'left', ['zones', 'udp']);
  return {
    zones: readList(fields['zones'], 'left.zones', MAX_RESOLVER_FILES, readLeftZone),
    udp: fields['udp'] === null ? null : readText(fields['udp'], 'left.udp', MAX_TEXT_CHARACTERS),
  };
}

function readLeftZone(value: unknown, where: string): LeftZone {
  const fields = readObject(value, where, ['zone', 'why']);
  return {
    zone: readText(fields['zone'], `${where}.zone`, MAX_NAME_CHARACTERS),
    why: readWord(fields['why'], `${where}.why`, LEFT_ZONE_REASONS),
  };
}

function readFact(value: unknown, where: string): ProbeFact {
  const kind = readWord(fieldOf(value, 'kind'), `${where}.kind`, ['usable', 'absent', 'refused']);
  const text = (fields: Fields, key: string): string =>
    readText(fields[key], `${where}.${key}`, MAX_TEXT_CHARACTERS);
  const keys = { usable: ['version', 'families'], absent: ['missing'], refused: ['reason'] }[kind];
  const fields = readObject(value, where, ['kind', 'candidate', ...keys]);
  const candidate = readWord(fields['candidate'], `${where}.candidate`, CANDIDATES);
  switch (kind) {
    case 'usable':
      return {
        kind,
        candidate,
        version: text(fields, 'version'),
        families: readFamilies(fields['families'], `${where}.families`),
      };
    case 'absent':
      return { kind, candidate, missing: text(fields, 'missing') };
    case 'refused':
      return { kind, candidate, reason: text(fields, 'reason') };
  }
}

function readLookUp(value: unknown, where: string): LookUp {
  const kind = readWord(fieldOf(value, 'kind'), `${where}.kind`, ['found', ...LOOK_UP_FAILURES]);
  if (kind !== 'found') {
    readObject(value, where, ['kind']);
    return { kind };
  }
  const fields = readObject(value, where, ['kind', 'destination']);
  return { kind, destination: readEndpoint(fields['destination'], `${where}.destination`) };
}

function readFacts(value: unknown): RuleFacts {
  const fields = readObject(value, 'facts', [
    'ownRules',
    'earlierNat',
    'drops',
    'ufw',
    'wgQuick',
    'notrack',
    'inputDrops',
    'packetFilter',
  ]);
  const texts = (key: string): string[] =>
    readList(fields[key], `facts.${key}`, MAX_FACTS, (text, where) =>
      readText(text, where, MAX_FACT_CHARACTERS),
    );
  return {
    ownRules: readTruth(fields['ownRules'], 'facts.ownRules'),
    earlierNat: texts('earlierNat'),
    drops: texts('drops'),
    ufw: readTruth(fields['ufw'], 'facts.ufw'),
    wgQuick: texts('wgQuick'),
    notrack: texts('notrack'),
    inputDrops: texts('inputDrops'),
    packetFilter: fields['packetFilter'] === null ? null : readPfFacts(fields['packetFilter']),
  };
}

function readPfFacts(value: unknown): PfFacts {
  const where = 'facts.packetFilter';
  const fields = readObject(value, where, ['isEnabled', 'skipsLoopback', 'earlier', 'states']);
  const { states } = fields;
  return {
    isEnabled: readTruth(fields['isEnabled'], `${where}.isEnabled`),
    skipsLoopback: readTruth(fields['skipsLoopback'], `${where}.skipsLoopback`),
    earlier: readList(fields['earlier'], `${where}.earlier`, MAX_FACTS, (text, at) =>
      readText(text, at, MAX_FACT_CHARACTERS),
    ),
    states: states === null ? null : readStates(states, `${where}.states`),
  };
}

function readStates(value: unknown, where: string): PfFacts['states'] {
  const fields = readObject(value, where, ['current', 'limit']);
  const count = (key: string): number => readInteger(fields[key], `${where}.${key}`, 0, 2 ** 32);
  return { current: count('current'), limit: count('limit') };
}

function readTruth(value: unknown, where: string): boolean {
  return readWord(String(value), where, ['true', 'false']) === 'true';
}

function readReport(value: unknown): CleanupReport {
  const fields = readObject(value, 'report', ['removed', 'kept', 'failed', 'unread']);
  const lines = (key: string): string[] =>
    readList(fields[key], `report.${key}`, MAX_REPORT_LINES, (line, where) =>
      readText(line, where, MAX_TEXT_CHARACTERS),
    );
  return { removed: lines('removed'), kept: lines('kept'), failed: lines('failed'), unread: lines('unread') };
}
