import { openSharedLibrary } from './library.ts';

/**
 * One libnftables context: it has a netlink socket of its own, and owns the tables that it makes with `flags owner`.
 *
 * The kernel removes such a table when the last descriptor of that socket closes. The socket is not close-on-exec
 * (native-notes/nft.md): no child process may be started while a context that owns tables is open.
 */
export interface NftContext {
  /**
   * Runs nft text as one transaction, and blocks until the kernel has answered.
   *
   * @param mode `check` asks the kernel too, but changes nothing
   */
  run(text: string, mode: 'commit' | 'check'): NftResult;
  /** Closes the netlink socket; owned tables go with it. Idempotent. */
  close(): void;
}

/** What libnftables answered. */
export type NftResult =
  | { readonly kind: 'done'; readonly output: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** The ABI that nftables has kept since 0.9.0 (2018). */
export const LIBNFTABLES_SONAME = 'libnftables.so.1';

/**
 * Opens a context.
 *
 * @returns undefined when the machine has no libnftables
 * @throws Error when there is one that cannot be used
 */
export function openNftContext(): NftContext | undefined {
  const library = openSharedLibrary(LIBNFTABLES_SONAME);
  if (library === undefined) return undefined;
  // libnftables(3). Strings only: koffi copies them in and out, and no buffer of ours is kept by the library.
  const newContext = library.func('void *nft_ctx_new(uint32_t flags)');
  const freeContext = library.func('void nft_ctx_free(void *context)');
  const bufferOutput = library.func('int nft_ctx_buffer_output(void *context)');
  const bufferError = library.func('int nft_ctx_buffer_error(void *context)');
  const getOutput = library.func('const char *nft_ctx_get_output_buffer(void *context)');
  const getError = library.func('const char *nft_ctx_get_error_buffer(void *context)');
  const setDryRun = library.func('void nft_ctx_set_dry_run(void *context, bool dry)');
  const runCommand = library.func('int nft_run_cmd_from_buffer(void *context, const char *text)');

  let context: unknown = newContext(0);
  if (context === null) throw new Error('nft_ctx_new failed');
  // Without buffers it writes to stdout and stderr, which carry the helper's protocol.
  if (bufferOutput(context) !== 0 || bufferError(context) !== 0) {
    freeContext(context);
    throw new Error('libnftables cannot buffer its output');
  }
  return {
    run(text, mode) {
      if (context === null) throw new Error('the nft context is closed');
      setDryRun(context, mode === 'check');
      const status: unknown = runCommand(context, text);
      if (status === 0) return { kind: 'done', output: String(getOutput(context) ?? '') };
      return { kind: 'refused', reason: String(getError(context) ?? '').trim() };
    },
    close() {
      if (context !== null) freeContext(context);
      context = null;
    },
  };
}
