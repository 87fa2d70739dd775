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
}
