/** Addresses of one family from `first` to `last`, both included. */
export interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

/** The addresses of `from` without those of `taken`; both are disjoint and ascending, and so is what it returns. */
export function subtractRanges(from: readonly Range[], taken: readonly Range[]): readonly Range[] {
  if (from.length === 0 || taken.length === 0) return from;
  const left: Range[] = [];
  let next = 0;
  for (const { first, last } of from) {
    while (next < taken.length && taken[next]!.last < first) next += 1;
    let start = first;
    for (let index = next; index < taken.length && taken[index]!.first <= last; index += 1) {
      const cut = taken[index]!;
      if (cut.first > start) left.push({ first: start, last: cut.first - 1n });
      if (cut.last >= start) start = cut.last + 1n;
    }
    if (start <= last) left.push({ first: start, last });
  }
  return left;
}

/** The addresses of both, neighbours joined: disjoint and ascending, if each of them is. */
export function uniteRanges(a: readonly Range[], b: readonly Range[]): readonly Range[] {
  const united: Array<{ first: bigint; last: bigint }> = [];
  let [indexA, indexB] = [0, 0];
  while (indexA < a.length || indexB < b.length) {
    const [ofA, ofB] = [a[indexA], b[indexB]];
    const takesA = ofB === undefined || (ofA !== undefined && ofA.first <= ofB.first);
    const { first, last } = takesA ? ofA! : ofB;
    if (takesA) indexA += 1;
    else indexB += 1;
    const previous = united.at(-1);
    if (previous === undefined || first > previous.last + 1n) united.push({ first, last });
    else if (last > previous.last) previous.last = last;
  }
  return united;
}
