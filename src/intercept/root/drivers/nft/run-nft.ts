import { messageOf } from '../../../../core/errors.ts';
import { type NftContext, type NftResult, openNftContext } from '../../../../net/native/nftables.ts';
import { shorten } from '../backend/run-tool.ts';

/**
 * Runs nft text by libnftables, in a context of its own that is closed again. Never throws.
 *
 * @param mode `check` changes nothing
 * @returns undefined when the machine has no libnftables, and so no table of ours
 */
export function runNft(
  text: string,
  mode: Parameters<NftContext['run']>[1] = 'commit',
): NftResult | undefined {
  let context: NftContext | undefined;
  try {
    context = openNftContext();
    const result = context?.run(text, mode);
    return result?.kind === 'refused' ? { kind: 'refused', reason: shorten(result.reason) } : result;
  } catch (error) {
    return { kind: 'refused', reason: shorten(messageOf(error)) };
  } finally {
    context?.close();
  }
}
