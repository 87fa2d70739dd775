import type { Frame } from './recording.ts';
import type { Row } from './screen.ts';

/** Something that stands in one place of the picture for a time. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  readonly content: Content;
}

/** What stands there: a row of a terminal, with the cursor's column if it is in it, or the caption. */
export type Content =
  | {
      readonly kind: 'row';
      readonly terminal: number;
      readonly row: number;
      readonly runs: Row;
      readonly cursorColumn: number | undefined;
    }
  | { readonly kind: 'caption'; readonly text: string };

/** Cuts frames into what changes and what stays, so that nothing is drawn twice while it stays. */
export function spansOf(frames: readonly Frame[], endMs: number): readonly Span[] {
  const spans: Span[] = [];
  const current = new Map<string, { key: string; fromMs: number; content: Content }>();
  const close = (place: string, toMs: number): void => {
    const { fromMs, content } = current.get(place)!;
    if (toMs > fromMs && !isEmpty(content)) spans.push({ fromMs, toMs, content });
  };
  for (const frame of frames)
    for (const [place, content] of contentsOf(frame)) {
      const key = JSON.stringify(content);
      if (current.get(place)?.key === key) continue;
      if (current.has(place)) close(place, frame.atMs);
      current.set(place, { key, fromMs: frame.atMs, content });
    }
  for (const place of current.keys()) close(place, endMs);
  return spans;
}

function contentsOf({ caption, screens }: Frame): ReadonlyArray<readonly [place: string, content: Content]> {
  const rows = screens.flatMap(({ rows: all, cursor }, terminal) =>
    all.map((runs, row) => {
      const cursorColumn = cursor?.row === row ? cursor.column : undefined;
      return [`${terminal} ${row}`, { kind: 'row', terminal, row, runs, cursorColumn }] as const;
    }),
  );
  return [['caption', { kind: 'caption', text: caption }], ...rows];
}

function isEmpty(content: Content): boolean {
  return content.kind === 'row' && content.runs.length === 0 && content.cursorColumn === undefined;
}
