import { join } from 'node:path';
import { systemCodeOf } from '../../../core/errors.ts';
import { readRegularFile } from '../../../core/files/regular-file.ts';
import type { ServiceProgram } from '../units.ts';

/** Ours is a page long. */
const MAX_SCRIPT_BYTES = 65_536;

/** The second line, by which we know it again. */
const WRITTEN_BY_US = '# Written by tshuttle service install';
const PROFILES = /^# Profiles: (.+)$/m;

/** Between two tries, as that of the unit. */
const RETRY_SECONDS = 5;

/** What another try cannot mend, as in the unit (units.ts), and what needs none. */
const NO_OTHER_TRY = '0 | 64 | 76 | 77 | 78';

/** Where the script is, beside the profiles. */
export function startScriptFile(configHome: string | undefined, homeDirectory: string): string {
  return join(configHome ?? join(homeDirectory, '.config'), 'tshuttle', 'start-at-boot');
}

/**
 * The script that cron starts at boot, when there may be no network yet: it tries until the tunnels are up, and ends then; a login that is
 * refused is not tried again. At SIGTERM it ends, and what it has started. All profiles go up in one process; one that could
 * not is tried alone, so that it is not told from its neighbours by one exit code.
 *
 * @param variables of the place where it was installed, which cron does not know
 */
export function renderStartScript(
  { nodePath, script }: ServiceProgram,
  profiles: readonly string[],
  {
    logFile,
    variables,
  }: { readonly logFile: string; readonly variables: Readonly<Record<string, string | undefined>> },
): string {
  const exports = Object.entries(variables).flatMap(([name, value]) =>
    value === undefined ? [] : [`export ${name}=${quote(value)}\n`],
  );
  return `#!/bin/sh
${WRITTEN_BY_US}: cron starts this at boot, tshuttle service uninstall removes it.
# Profiles: ${profiles.join(' ')}
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
${exports.join('')}umask 077
log=${quote(logFile)}
{ true >"$log"; } 2>/dev/null || log=/dev/null

end() {
  trap '' TERM
  [ -z "$!" ] || kill "$!" 2>/dev/null
  wait
  exit 0
}
trap end TERM

up() {
  ${quote(nodePath)} ${quote(script)} up "$@" </dev/null >"$log" 2>&1 &
  wait "$!"
}

waiting='${profiles.join(' ')}'
# shellcheck disable=SC2086 # a list of names
up $waiting && exit
while [ -n "$waiting" ]; do
  failed=
  for name in $waiting; do
    up "$name"
    case $? in
      ${NO_OTHER_TRY}) ;;
      *) failed="$failed $name" ;;
    esac
  done
  waiting=$failed
  [ -z "$waiting" ] || { sleep ${RETRY_SECONDS} & wait "$!"; }
done
`;
}

/** The profiles that a script of ours starts; undefined where there is no script, or it is not ours. */
export function profilesOfStartScript(path: string): readonly string[] | undefined {
  try {
    const text = readRegularFile(path, MAX_SCRIPT_BYTES).toString('utf8');
    if (!text.includes(`\n${WRITTEN_BY_US}`)) return undefined;
    return PROFILES.exec(text)?.[1]?.split(' ') ?? [];
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function quote(word: string): string {
  return /^[\w./@:+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
