import { openNftContext } from '../../../net/native/nftables.ts';
import { RefusedError } from '../backend/rule-backend.ts';
import { runTool, shorten } from '../backend/run-tool.ts';

/** Something that runs nft text, one transaction a call. */
export interface NftExecutor {
  /** `owner`: tables with `flags owner` live until {@link NftExecutor.close}; the kernel sees to it. */
  readonly lifetime: 'owner' | 'until-removed';
  /** See {@link RuleBackend.lost}. */
  readonly lost: Promise<string>;
  /** @throws RefusedError with nft's text; nothing has changed then */
  run(text: string): Promise<void>;
  /** What `nft list` prints about `what`, as `sets inet`. @throws RefusedError */
  list(what: string): Promise<string>;
  /** Ends what holds owned tables. Idempotent. */
  close(): Promise<void>;
}

/** {@link NftExecutor.list} with the tool. */
export async function listWith(nftPath: string, what: string): Promise<string> {
  const result = await runTool(nftPath, ['list', ...what.split(' ')]);
  if (result.kind === 'refused') throw new RefusedError(result.reason);
  return result.output;
}

const NEVER = new Promise<never>(() => {});

/** libnftables in this process. While it is open, no child process may be started. @throws RefusedError */
export function openLibraryExecutor(): NftExecutor {
  const context = openNftContext();
  if (context === undefined) throw new RefusedError('libnftables has disappeared');
  return {
    lifetime: 'owner',
    lost: NEVER,
    run: (text) => {
      const result = context.run(text, 'commit');
      return result.kind === 'done'
        ? Promise.resolve()
        : Promise.reject(new RefusedError(shorten(result.reason)));
    },
    list: (what) => {
      const result = context.run(`list ${what}`, 'commit');
      return result.kind === 'done'
        ? Promise.resolve(result.output)
        : Promise.reject(new RefusedError(shorten(result.reason)));
    },
    close: () => {
      context.close();
      return Promise.resolve();
    },
  };
}

/** One `nft -f -` per call. A table with the owner flag would vanish when it ends, so it is made without. */
export function openFileExecutor(nftPath: string): NftExecutor {
  return {
    lifetime: 'until-removed',
    lost: NEVER,
    run: async (text) => {
      const result = await runTool(nftPath, ['-f', '-'], text);
      if (result.kind === 'refused') throw new RefusedError(result.reason);
    },
    list: (what) => listWith(nftPath, what),
    close: () => Promise.resolve(),
  };
}
