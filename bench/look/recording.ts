import { setTimeout as delay } from 'node:timers/promises';
import type { TmuxTerminal } from '../../test/support/lab/tmux-terminal.ts';
import { readScreen, type Screen, textOf, typedUpTo } from './screen.ts';

const KEY_MS = 30;
const SAMPLE_MS = 40;
const DEADLINE_MS = 20_000;

/** What all terminals show from a moment on. */
export interface Frame {
  readonly atMs: number;
  readonly caption: string;
  readonly screens: readonly Screen[];
}

/**
 * Records what terminals show. The time of what programs print is as it was; that of typing and of reading is made up, and
 * costs none.
 */
export class Recording {
  readonly frames: Frame[] = [];
  /** When the last frame has been looked at for long enough. */
  endMs = 0;
  readonly #terminals: readonly TmuxTerminal[];
  #active = 0;
  #caption = '';

  constructor(terminals: readonly TmuxTerminal[]) {
    this.#terminals = terminals;
  }

  /** Turns to a terminal, and says what is to be seen there. */
  async turnTo(terminal: number, caption: string): Promise<void> {
    this.#active = terminal;
    this.#caption = caption;
    this.#add(await this.#screens());
  }

  /** Types a line, letter by letter in the picture, and then Enter. It must fit into its row. */
  async type(line: string): Promise<void> {
    const terminal = this.#terminals[this.#active]!;
    const { column, row } = (await terminal.capture()).cursor!;
    await terminal.write(line);
    const wanted = column + line.length;
    const screens = await this.#sampleUntil((screen) => screen.cursor?.column === wanted, line);
    for (let at = column + 1; at <= wanted; at += 1) {
      this.hold(KEY_MS);
      this.#add(
        screens.map((screen, index) => (index === this.#active ? typedUpTo(screen, row, at) : screen)),
      );
    }
    this.hold(4 * KEY_MS);
    await terminal.press('Enter');
  }

  /** Presses a key. */
  async press(key: string): Promise<void> {
    await this.#terminals[this.#active]!.press(key);
  }

  /** Records until the terminal shows something. @returns what of it matches */
  async until(pattern: RegExp): Promise<string> {
    const startedMs = this.endMs - performance.now();
    const screens = await this.#sampleUntil(
      (screen) => pattern.test(textOf(screen)),
      String(pattern),
      (now) => {
        this.endMs = startedMs + performance.now();
        this.#add(now);
      },
    );
    return pattern.exec(textOf(screens[this.#active]!))![0];
  }

  /** Leaves time to read. */
  hold(durationMs: number): void {
    this.endMs += durationMs;
  }

  async #sampleUntil(
    isThere: (screen: Screen) => boolean,
    what: string,
    see: (screens: readonly Screen[]) => void = () => {},
  ): Promise<readonly Screen[]> {
    const deadlineMs = performance.now() + DEADLINE_MS;
    for (;;) {
      const screens = await this.#screens();
      see(screens);
      if (isThere(screens[this.#active]!)) return screens;
      if (performance.now() > deadlineMs)
        throw new Error(`not on the screen: ${what}\n${textOf(screens[this.#active]!)}`);
      await delay(SAMPLE_MS);
    }
  }

  /** The cursor is where somebody types. */
  async #screens(): Promise<readonly Screen[]> {
    const screens = await Promise.all(
      this.#terminals.map(async (terminal) => readScreen(await terminal.capture())),
    );
    return screens.map((screen, index) =>
      index === this.#active ? screen : { ...screen, cursor: undefined },
    );
  }

  #add(screens: readonly Screen[]): void {
    const last = this.frames.at(-1);
    const isSame =
      last?.caption === this.#caption && JSON.stringify(last.screens) === JSON.stringify(screens);
    if (!isSame) this.frames.push({ atMs: this.endMs, caption: this.#caption, screens });
  }
}
