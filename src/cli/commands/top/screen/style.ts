import type { Colours } from '../../../rendering/terminal.ts';

/** What can be shown. */
export interface Style {
  /** Undefined where nothing is to be cut off. */
  readonly columns: number | undefined;
  readonly hasUnicode: boolean;
  readonly colours: Colours;
}

/** On a screen, which has an end. */
export interface ScreenStyle extends Style {
  readonly columns: number;
  readonly rows: number;
}
