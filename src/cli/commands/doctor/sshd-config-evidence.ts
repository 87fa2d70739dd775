/** The forwarding options in a readable sshd_config. */
export interface SshdForwarding {
  /** The line that prohibits it, or restricts it, as it stands there. */
  readonly line: string;
}

/** Keywords of sshd_config(5) that decide over direct-tcpip, and the values that leave it open. */
const OPEN_VALUES: Readonly<Record<string, RegExp>> = {
  allowtcpforwarding: /^(yes|all|local)$/i,
  disableforwarding: /^no$/i,
  permitopen: /^any$/i,
};

/**
 * Finds the line of an sshd_config that closes forwarding for everybody: the first of each keyword counts (sshd_config(5)).
 *
 * @param port where sshd answers: a file for another port is another sshd's, and tells nothing
 * @returns undefined when it tells nothing: also where Match or Include may decide instead
 */
export function closingLine(text: string, port: number): SshdForwarding | undefined {
  const lines = text.split('\n').map((line) => line.trim());
  const isConditional = lines.findIndex((line) => /^(match|include)\b/i.test(line));
  const settings = (isConditional === -1 ? lines : lines.slice(0, isConditional)).flatMap((line) => {
    const [, keyword = '', value = ''] = /^([A-Za-z]+)[ \t=]+(.*)$/.exec(line) ?? [];
    return keyword === '' ? [] : [{ keyword: keyword.toLowerCase(), value: value.trim(), line }];
  });
  const ports = settings.filter(({ keyword }) => keyword === 'port').map(({ value }) => Number(value));
  if (!(ports.length === 0 ? [22] : ports).includes(port)) return undefined;
  for (const [keyword, isOpen] of Object.entries(OPEN_VALUES)) {
    const first = settings.find((setting) => setting.keyword === keyword);
    if (first !== undefined && !isOpen.test(first.value)) return { line: first.line };
  }
  return undefined;
}
