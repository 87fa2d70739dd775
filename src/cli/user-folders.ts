import { homedir } from 'node:os';
import type { DaemonSurroundings } from '../daemon/paths.ts';
import type { ProcessContext } from './process-context.ts';

/** Where this user's files are. */
export function surroundingsOf(environment: ProcessContext['environment']): DaemonSurroundings {
  return {
    runtimeDirectory: environment['XDG_RUNTIME_DIR'],
    stateHome: environment['XDG_STATE_HOME'],
    homeDirectory: homedir(),
  };
}
