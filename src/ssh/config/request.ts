/** Which bastion the user asked for, as the command line has it; `target.ts` resolves it with the ssh configuration. */
export interface SshRequest {
  /** A name, an address, or a Host alias of the ssh configuration. */
  readonly host: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
  /** From `user:password@host`; used as the first answer to a password prompt, never logged. */
  readonly password: string | undefined;
  /** `-i FILE`, in order. */
  readonly identityFiles: readonly string[];
  /** `-o Key=Value`, in order, as given. */
  readonly options: readonly string[];
  /** `-F FILE`: the ssh configuration to read instead of the user's and the system's; applies to jump hosts too. */
  readonly configFile?: string | undefined;
  /** `-J HOP[,HOP...]`, as given. */
  readonly jump?: string | undefined;
  /** The ssh to run, with words that come before ours; left out: `ssh`. */
  readonly command?: readonly string[] | undefined;
  /** `--upstream-proxy`: in front of whatever is dialled first. */
  readonly upstreamProxy?: RequestedProxy | undefined;
}

/** A SOCKS5 proxy as the command line names it. */
export interface RequestedProxy {
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  /** Never shown and never logged. */
  readonly password: string | undefined;
}
