import { closestOf } from '../../config/profiles/closest.ts';
import { profileNames } from '../../config/profiles/load-profiles.ts';
import { TshuttleError } from '../../core/errors.ts';
import { keptLogs } from '../../daemon/files/kept-logs.ts';
import { fileNameOf } from '../../daemon/files/paths.ts';
import type { ProcessContext } from '../process-context.ts';
import { profileSurroundingsOf } from './profile-surroundings.ts';
import { surroundingsOf } from './user-folders.ts';
import { howToStartOneOf, listed } from './what-there-is.ts';

/** What there is of a name that no running tunnel has. */
export type AbsentTunnel =
  | { readonly kind: 'profile' }
  /** Of a command line, and over. */
  | { readonly kind: 'over' }
  | { readonly kind: 'unknown'; readonly error: TshuttleError };

/** What a name was given for, and among which. */
export interface NamePlace {
  /** The command, for the line to type. */
  readonly command: string;
  /** The names of the tunnels that are up. */
  readonly up: readonly string[];
  readonly environment: ProcessContext['environment'];
}

/** Looks a name up that no tunnel has which is up: among the profiles, and the logs that tunnels have left. */
export function findAbsent(name: string, { command, up, environment }: NamePlace): AbsentTunnel {
  const profiles = profileNames(profileSurroundingsOf(environment));
  if (profiles.includes(name)) return { kind: 'profile' };
  const logs = [...keptLogs(surroundingsOf(environment)).keys()];
  if (logs.includes(fileNameOf(name))) return { kind: 'over' };
  const error = new TshuttleError('ERR_USAGE', `${name} is neither a tunnel nor a profile`, {
    remedy: remedyFor(name, command, up, profiles, logs),
  });
  return { kind: 'unknown', error };
}

/** Why a command that is about a running tunnel cannot be had for this name. */
export function notUp(name: string, place: NamePlace): TshuttleError {
  const absent = findAbsent(name, place);
  switch (absent.kind) {
    case 'unknown':
      return absent.error;
    case 'profile':
      return new TshuttleError('ERR_USAGE', `${name} is not up`, { remedy: `start it: tshuttle up ${name}` });
    case 'over':
      return new TshuttleError('ERR_USAGE', `${name} is not up any more`, {
        remedy: `what it has logged: tshuttle logs ${name}`,
      });
  }
}

function remedyFor(
  name: string,
  command: string,
  up: readonly string[],
  profiles: readonly string[],
  logs: readonly string[],
): string {
  const meant = closestOf(name, [...up, ...profiles, ...logs]);
  if (meant !== undefined) return `perhaps tshuttle ${command} ${meant}`;
  const [first] = up;
  if (first === undefined) return `no tunnel is up; ${howToStartOneOf(profiles)}`;
  const others = profiles.length === 0 ? '' : `; profiles: ${listed(profiles)}`;
  return `up: ${listed([...new Set(up)])}${others}; as in tshuttle ${command} ${first}`;
}
