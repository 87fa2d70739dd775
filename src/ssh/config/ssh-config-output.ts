/** What `ssh -G` printed: every keyword in lower case with its values in order, one per line of the output. */
export type SshConfigOutput = ReadonlyMap<string, readonly string[]>;

/** Parses the output of `ssh -G`: lines of `keyword value`, repeated where an option has several values. */
export function parseSshConfigOutput(text: string): SshConfigOutput {
  const values = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const match = /^(\S+) (.*?)\r?$/.exec(line);
    if (match === null) continue;
    const [, keyword = '', value = ''] = match;
    const known = values.get(keyword.toLowerCase());
    if (known === undefined) values.set(keyword.toLowerCase(), [value]);
    else known.push(value);
  }
  return values;
}

/** The only, or first, value of an option; undefined when it is not there or `none`. */
export function configValue(output: SshConfigOutput, keyword: string): string | undefined {
  const value = output.get(keyword)?.[0];
  return value === undefined || value === '' || value.toLowerCase() === 'none' ? undefined : value;
}

/** Whether a switch is on; `ssh -G` prints `yes` for some and `true` for others. */
export function configSwitch(output: SshConfigOutput, keyword: string, fallback: boolean): boolean {
  const value = output.get(keyword)?.[0];
  return value === undefined ? fallback : value === 'yes' || value === 'true';
}

/** A whole number, or `fallback` where there is none. */
export function configNumber(output: SshConfigOutput, keyword: string, fallback: number): number {
  const value = configValue(output, keyword);
  return value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) : fallback;
}

/**
 * The files of `UserKnownHostsFile` and `GlobalKnownHostsFile`.
 *
 * `ssh -G` prints them on one line, without quotes (native-notes/ssh-config-output.md), so a part that does not begin
 * like a path is taken as the rest of a name with a space in it.
 */
export function configPathList(output: SshConfigOutput, keyword: string): readonly string[] {
  const paths: string[] = [];
  for (const part of (output.get(keyword)?.[0] ?? '').split(' ')) {
    if (paths.length === 0 || /^[/~%$]|^none$/i.test(part)) paths.push(part);
    else paths[paths.length - 1] += ` ${part}`;
  }
  return paths.filter((path) => path !== '' && path.toLowerCase() !== 'none');
}
