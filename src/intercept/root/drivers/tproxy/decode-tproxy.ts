import { GrammarError, readInteger, readList } from '../../../../net/messages/field-reader.ts';
import { FIRST_FREE_TABLE, markTable } from '../../../rules/tproxy/packet-mark.ts';

/** The highest number that Linux lets a process have (fs.nr_open, 2^20 unless somebody has raised it). */
const MAX_DESCRIPTOR = 2 ** 30;

/** Takes `value` as descriptors of listeners, one or both families'. */
export function readDescriptors(value: unknown, where: string): number[] {
  const descriptors = readList(value, where, 2, (item, itemWhere) =>
    readInteger(item, itemWhere, 0, MAX_DESCRIPTOR),
  );
  if (descriptors.length === 0) throw new GrammarError(`${where} names none`);
  return descriptors;
}

/** Takes `value` as bits of the packet mark. */
export function readMarkBits(value: unknown, where: string): number {
  const bits = readInteger(value, where, 1, 0xffff_ffff);
  if (markTable({ mark: bits }) < FIRST_FREE_TABLE)
    throw new GrammarError(`${where} has a table of the system`);
  return bits;
}
