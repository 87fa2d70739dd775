/** The candidate that a misspelt word most likely means: at most two slips away, or so many, and fewer than half its letters. */
export function closestOf(
  word: string,
  candidates: readonly string[],
  { slips: most = 2 } = {},
): string | undefined {
  const near = candidates
    .map((candidate) => ({ candidate, slips: slipsBetween(word, candidate) }))
    .filter(({ slips }) => slips <= most && slips < word.length / 2)
    .sort((a, b) => a.slips - b.slips);
  return near[0]?.candidate;
}

/** Levenshtein's distance, two letters in each other's place counted as one slip; words longer than any option are not compared. */
function slipsBetween(a: string, b: string): number {
  if (a.length > 32) return Number.POSITIVE_INFINITY;
  let before = Array.from({ length: b.length + 1 }, (_, index) => index);
  let beforeThat = before;
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const changed = before[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      const isSwapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const swapped = isSwapped ? beforeThat[column - 2]! + 1 : changed;
      current.push(Math.min(changed, swapped, before[column]! + 1, current[column - 1]! + 1));
    }
    beforeThat = before;
    before = current;
  }
  return before[b.length]!;
}
