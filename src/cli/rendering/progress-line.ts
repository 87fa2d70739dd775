import { printableLine } from '../../core/printable.ts';
import type { AskingStep, OnStep, Step } from '../../core/progress.ts';
import { isEchoOff } from './terminal-echo.ts';

/** What takes less than this is not worth a word. */
const PATIENCE_MS = 1_000;

/** How often the words are looked at again, as long as they are shown. */
const REDRAW_MS = 1_000;

/** To the first column, and nothing right of it (ECMA-48, CR and EL). */
const ERASE = '\r\x1b[K';

/** A terminal that does not say its size, or says 0. */
const USUAL_COLUMNS = 80;

/** The terminal that a {@link ProgressLine} is on. */
interface ProgressTerminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/**
 * The line at the bottom of a terminal that says what is being waited for, once that takes longer than a second. It is replaced as
 * things go on, and gone when they have: everything else that writes to the terminal calls {@link ProgressLine.erase} before.
 *
 *     nothing ──step──> patient ──1 s──> shown ──step──> shown, other words
 *        ^                 └──none──┐      │  └──erase──> patient, until the next look
 *        └──────────────────────────┴─none─┘
 *
 * On a terminal that moves no cursor (`TERM=dumb`) each step that takes that long is a line of its own, and so is elsewhere one in which
 * another program may ask, unless it asks right now: what it asks stands below. Off a terminal there is nothing.
 */
export class ProgressLine {
  readonly #terminal: ProgressTerminal;
  readonly #kind: 'nothing' | 'lines' | 'one line';
  #isSilent = false;
  #step: Step | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Whether something has been waited for that long. */
  #isDue = false;
  #isShown = false;
  /** Questions that are open. */
  #holds = 0;
  /** The step that a line of its own has told. */
  #told: Step | undefined;

  readonly #isAsking: () => Promise<boolean>;

  /** @param isAsking whether another program reads a secret from the terminal */
  constructor(terminal: ProgressTerminal, term: string | undefined, isAsking = isEchoOff) {
    this.#terminal = terminal;
    this.#isAsking = isAsking;
    this.#kind = terminal.isTTY !== true ? 'nothing' : term === 'dumb' ? 'lines' : 'one line';
  }

  /** Takes {@link OnStep} calls. */
  readonly step: OnStep = (step) => {
    if (this.#kind === 'nothing' || this.#isSilent) return;
    this.#step = step;
    if (step === undefined) this.#end();
    else if (this.#isDue) this.#draw();
    else this.#timer ??= this.#every(PATIENCE_MS);
  };

  /** Shows nothing from now on. */
  silence(): void {
    this.step(undefined);
    this.#isSilent = true;
  }

  /** Makes room for something else, which ends with a newline; the line comes back below it. */
  erase(): void {
    if (!this.#isShown) return;
    this.#terminal.write(ERASE);
    this.#isShown = false;
  }

  /** Makes room for a question, and stays away until {@link ProgressLine.release}. */
  hold(): void {
    this.#holds += 1;
    this.erase();
  }

  /** The question is answered. */
  release(): void {
    this.#holds -= 1;
  }

  /** Does not keep the process alive. */
  #every(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#isDue = true;
      this.#draw();
      this.#timer = this.#every(REDRAW_MS);
    }, delayMs).unref();
  }

  #draw(): void {
    const step = this.#step;
    if (step === undefined || this.#holds > 0) return;
    if (typeof step === 'object') {
      if (this.#told !== step) void this.#tellUnlessAsking(step);
      return;
    }
    const words = wordsOf(typeof step === 'string' ? step : step());
    if (this.#kind === 'lines') {
      if (this.#told !== step) this.#terminal.write(`${words}\n`);
      this.#told = step;
      return;
    }
    // One that is full to its last column would go on in the next line.
    this.#terminal.write(`${ERASE}${words.slice(0, (this.#terminal.columns || USUAL_COLUMNS) - 1)}`);
    this.#isShown = true;
  }

  async #tellUnlessAsking(step: AskingStep): Promise<void> {
    this.erase();
    if ((await this.#isAsking()) || this.#step !== step || this.#told === step) return;
    this.#terminal.write(`${wordsOf(step.words)}\n`);
    this.#told = step;
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isDue = false;
    this.erase();
  }
}

function wordsOf(text: string): string {
  return `tshuttle: ${printableLine(text)} ...`;
}

/** The one of this process, on standard error. */
export const progressLine = new ProgressLine(process.stderr, process.env['TERM']);
