import { setTimeout as wait } from 'node:timers/promises';
import type { ProcessContext } from '../../../app/process-context.ts';
import { FlowPrograms } from '../../../app/running-tunnels/flow-programs.ts';
import { deferred } from '../../../core/deferred.ts';
import type { Key } from '../../rendering/keys.ts';
import { LiveScreen } from '../../rendering/live-screen.ts';
import { coloursOf, lookOf } from '../../rendering/terminal.ts';
import type { TopDocument } from './document/top-document.ts';
import { LOOK_INTERVAL_MS, type TunnelLooks } from './document/tunnel-looks.ts';
import { drawScreen, type Frame } from './screen/screen.ts';
import type { ScreenStyle } from './screen/style.ts';
import { History } from './view/history.ts';
import { afterKey, FIRST_STATE, type TopState } from './view/state.ts';

/** Dependencies of {@link showLive}. */
interface LiveContext {
  readonly looks: Pick<TunnelLooks, 'look'>;
  readonly process: Pick<ProcessContext, 'environment' | 'stop' | 'reportFailure'>;
}

/** Shows on the terminal what tunnels do, until the user has seen enough. @param first what the first look has found */
export async function showLive(first: TopDocument, { looks, process: context }: LiveContext): Promise<void> {
  const top = new LiveTop(first, context);
  try {
    while (await top.hasTimePassed()) {
      const document = await top.unlessOver(looks.look());
      if (document !== undefined) top.show(document);
    }
  } finally {
    top.close();
  }
}

/** The screen, what it shows, and what the user has chosen. */
class LiveTop {
  readonly #context: LiveContext['process'];
  readonly #screen: LiveScreen;
  readonly #history = new History();
  readonly #programs: FlowPrograms | undefined;
  readonly #end = new AbortController();
  readonly #signal: AbortSignal;
  #document: TopDocument;
  #state: TopState = FIRST_STATE;
  #frame: Frame | undefined;
  #isDrawDue = false;

  constructor(document: TopDocument, context: LiveContext['process']) {
    this.#context = context;
    this.#document = document;
    this.#programs = FlowPrograms.open(document.tunnels.map(({ pid }) => pid));
    this.#signal = AbortSignal.any([context.stop.signal, this.#end.signal]);
    this.#screen = new LiveScreen(context, {
      onKey: (key) => this.#onKey(key),
      onChanged: () => this.#drawSoon(),
      onGone: () => this.#end.abort(),
    });
    this.#redraw();
  }

  show(document: TopDocument): void {
    this.#document = document;
    this.#history.add(document);
    this.#redraw();
  }

  /** @returns false where it is to end */
  async hasTimePassed(): Promise<boolean> {
    return await wait(LOOK_INTERVAL_MS, true, { signal: this.#signal }).catch(() => false);
  }

  /** What is waited for no longer than until the user has seen enough. */
  async unlessOver<T>(promise: Promise<T>): Promise<T | undefined> {
    const over = deferred<undefined>();
    const onAbort = (): void => over.resolve(undefined);
    this.#signal.addEventListener('abort', onAbort);
    if (this.#signal.aborted) onAbort();
    try {
      return await Promise.race([promise, over.promise]);
    } finally {
      this.#signal.removeEventListener('abort', onAbort);
    }
  }

  close(): void {
    this.#programs?.close();
    this.#screen.close();
  }

  #onKey(key: Key): void {
    const tunnels = this.#document.tunnels.map(({ name }) => name);
    this.#state = afterKey(this.#state, key, { tunnels, ...(this.#frame?.list ?? { lines: 0, room: 0 }) });
    if (this.#state.isOver) this.#end.abort();
    else this.#drawSoon();
  }

  /** What comes at once is drawn once. */
  #drawSoon(): void {
    if (this.#isDrawDue) return;
    this.#isDrawDue = true;
    setImmediate(() => {
      this.#isDrawDue = false;
      this.#redraw();
    });
  }

  #redraw(): void {
    if (this.#signal.aborted) return;
    const programs = this.#programs;
    const content = {
      document: this.#document,
      historyOf: (tunnel: string | undefined) => this.#history.of(tunnel),
      ownerOf: programs && ((flow: TopDocument['flows'][number]) => programs.ownerOf(flow)),
    };
    const frame = drawScreen(content, this.#state, this.#style());
    this.#frame = frame;
    this.#screen.draw(frame.lines);
    void programs?.look(frame.flows).then((isNew) => isNew && this.#drawSoon());
  }

  #style(): ScreenStyle {
    const look = lookOf(this.#context.environment);
    const { columns = 80, rows, hasUnicode } = look;
    return { columns, rows, hasUnicode, colours: coloursOf(look) };
  }
}
