import {
  GrammarError,
  readInteger,
  readJson,
  readObject,
  readText,
  readWord,
} from '../../net/messages/field-reader.ts';
import { type ControlRequest, MAX_LISTED, MAX_REQUEST_BYTES } from './protocol.ts';

/** A name of a tunnel: that of a profile, or `user@host-port`. */
const MAX_NAME_LENGTH = 400;

/** A name of DNS (RFC 1035, 2.3.4), with the dot at its end. */
const MAX_HOST_LENGTH = 254;

/** The keys of each request, beside `type` and `id`. */
const KEYS = {
  status: [],
  check: [],
  flows: ['name', 'limit'],
  endings: ['name', 'limit'],
  reach: ['name', 'host', 'port'],
  down: ['name'],
  reload: ['name'],
  login: ['name'],
  answer: ['text'],
} as const satisfies Record<ControlRequest['type'], readonly string[]>;

const TYPES = Object.keys(KEYS) as Array<ControlRequest['type']>;

/**
 * Takes a line as a request.
 *
 * @throws GrammarError when it is none
 */
export function decodeRequest(line: string): ControlRequest {
  const value = readJson(line);
  if (typeof value !== 'object' || value === null) throw new GrammarError('a request is not an object');
  const type = readWord('type' in value ? value.type : undefined, 'type', TYPES);
  const fields = readObject(value, type, ['type', 'id', ...KEYS[type]]);
  const id = readInteger(fields['id'], 'id', 0, Number.MAX_SAFE_INTEGER);
  const name = (): string => readText(fields['name'], 'name', MAX_NAME_LENGTH);
  switch (type) {
    case 'status':
    case 'check':
      return { type, id };
    case 'flows':
    case 'endings':
      return { type, id, name: name(), limit: readInteger(fields['limit'], 'limit', 1, MAX_LISTED) };
    case 'reach': {
      const isOwn = fields['host'] === null && fields['port'] === null;
      const host = isOwn ? null : readText(fields['host'], 'host', MAX_HOST_LENGTH);
      const port = isOwn ? null : readInteger(fields['port'], 'port', 1, 65_535);
      return { type, id, name: name(), host, port };
    }
    case 'down':
    case 'reload':
    case 'login':
      return { type, id, name: name() };
    case 'answer': {
      const text = fields['text'] === null ? null : readText(fields['text'], 'text', MAX_REQUEST_BYTES);
      return { type, id, text };
    }
  }
}
