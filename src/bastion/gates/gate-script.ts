import { ACCESS_OPTIONS } from '../access-files.ts';
import { WRITTEN_BY } from '../setup.ts';
import { GATE_FOLDER, MANAGEMENT_KEYS } from './gate-places.ts';

/** What the script says first, with the version of what it understands. */
export const GATE_GREETING = 'tshuttle-gate-keys 1';

/**
 * The script of a gate: the forced command of its management account, and AuthorizedKeysCommand of its tunnels.
 *
 * It understands `list`, `add [HOST:PORT...]` and `remove`, of SSH_ORIGINAL_COMMAND, which no shell reads; a key comes by standard input and
 * ends with a line of a dot, so that one that is cut off changes nothing. The file is replaced as a whole, under a lock.
 */
export function renderGateScript(): string {
  return `#!/bin/sh
# ${WRITTEN_BY}
set -euf
umask 077
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
folder=${GATE_FOLDER}
management=${MANAGEMENT_KEYS}
file=$folder/authorized_keys
[ "\${1-}" != --authorized ] || exec cat "$file"

echo '${GATE_GREETING}'
stop() { echo "tshuttle-gate-keys: $1" >&2; exit 65; }
is() { printf '%s\\n' "$1" | grep -Eqx -e "$2"; }
new_line='
'
# Words, of which nothing is expanded (set -f); the first is the name of this script.
# shellcheck disable=SC2086
set -- \${SSH_ORIGINAL_COMMAND-}
[ "\${1-}" = tshuttle-gate-keys ] || stop 'understands: tshuttle-gate-keys list, add [HOST:PORT...], remove'
verb=\${2-}
[ $# -lt 3 ] && set -- || shift 2

if [ "$verb" = list ]; then
  [ $# -eq 0 ] || stop 'list takes nothing'
  exec cat "$file"
fi
[ "$verb" = add ] || [ "$verb" = remove ] || stop 'understands: list, add [HOST:PORT...], remove'
options='${ACCESS_OPTIONS}'
for place in "$@"; do
  [ "$verb" = add ] || stop 'remove takes a key and nothing else'
  is "$place" '(\\[[0-9A-Fa-f:.]{2,45}\\]|[A-Za-z0-9_][A-Za-z0-9._-]{0,252}|\\*):([1-9][0-9]{0,4}|\\*)' || stop 'that is no HOST:PORT'
  options="$options,permitopen=\\"$place\\""
done

text=$(head -c 16384)
key=\${text%"$new_line".}
[ "$text" != "$key" ] || stop 'the key is cut off'
case $key in *"$new_line"*) stop 'that is more than one line' ;; esac
is "$key" '(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\\.com) [A-Za-z0-9+/]+={0,2}( [A-Za-z0-9_.@+-]{1,80})?' ||
  stop 'that is no public key'

new=$(mktemp "$folder/new.XXXXXX")
trap 'rm -f "$new"' EXIT
printf '%s\\n' "$key" >"$new"
ssh-keygen -lf "$new" >/dev/null 2>&1 || stop 'that is no public key'
# shellcheck disable=SC2086
set -- $key
! grep -Fq -e " $2" -e "	$2" "$management" || stop 'that is a management key, which stays as it is'

exec 9>>"$folder/lock"
flock -w 10 9 || stop 'another change is under way'
[ "$(wc -l <"$file")" -lt 1000 ] || [ "$verb" = remove ] || stop 'there are 1000 keys already'
if [ "$verb" = remove ] && ! grep -Fq -e " $2" "$file"; then stop 'there is no such key'; fi
{
  grep -Fv -e " $2" "$file" || [ $? -eq 1 ]
  [ "$verb" = remove ] || printf '%s %s\\n' "$options" "$key"
} >"$new"
sync "$new"
mv -f "$new" "$file"
`;
}
