import type { ReadContext } from './options/read-options.ts';
import type { KeyOfPart, OptionValues } from './options/table.ts';

/** What carries flows to the bastion: our own ssh connection, or the user's own ssh. */
export interface TransportOption {
  /** `auto`: ssh2, unless the ssh configuration or the bastion needs what only ssh itself has. */
  readonly kind: 'auto' | 'ssh2' | 'openssh';
  /** The control socket of an ssh that is up already, as an absolute path. */
  readonly controlPath: string | undefined;
  /** The ssh of the user's choice, with words for it; undefined: that of this machine. */
  readonly command: readonly string[] | undefined;
  /** How ssh gets a connection of an application: by its descriptor, or by copying. */
  readonly carry: 'handover' | 'socks';
}

/** What `--transport`, `--control-path` and `--openssh-carry` come to together, and what they cannot be combined with. */
export function transportOf(
  {
    transport,
    controlPath,
    opensshCarry: carry,
    sshCommand: command,
  }: Pick<OptionValues, KeyOfPart<'transport'>>,
  { raw, findings, locate }: ReadContext,
): TransportOption {
  const joins = raw.controlPath !== undefined;
  const wrongPath = (what: string): void => findings.wrong(locate('controlPath', raw.controlPath), what);
  if (raw.controlPath === '') wrongPath('is empty; name a control socket of ssh');
  if (joins && (raw.remote?.length ?? 0) > 1) wrongPath('joins one ssh, to one bastion; give -r once');
  if (joins && transport === 'ssh2') wrongPath('is for --transport openssh, not ssh2');
  if (joins && carry === 'socks') {
    wrongPath(
      'can only be joined with --openssh-carry handover: an ssh that is up opens no SOCKS socket for us',
    );
  }
  if (command !== undefined && transport === 'ssh2')
    findings.wrong(locate('sshCommand', raw.sshCommand), 'is for --transport openssh, not ssh2');
  const kind = joins || command !== undefined ? 'openssh' : (transport ?? 'auto');
  if (kind === 'ssh2' && carry !== undefined)
    findings.warn(locate('opensshCarry', carry), 'has no effect with --transport ssh2');
  if (kind === 'openssh' && raw.upstreamProxy !== undefined) {
    const what =
      "is for --transport ssh2; for ssh set ProxyCommand, as in -o 'ProxyCommand=nc -X 5 -x PROXY:PORT %h %p'";
    findings.wrong(locate('upstreamProxy', raw.upstreamProxy), what);
  }
  if (kind === 'openssh' && raw.connections !== undefined)
    findings.warn(locate('connections', raw.connections), 'has no effect with --transport openssh');
  return { kind, controlPath, command, carry: joins ? 'handover' : (carry ?? 'socks') };
}
