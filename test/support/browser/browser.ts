import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { until } from '../process/until.ts';

/** Of Debian: .ci/packages. */
const COMMAND = 'chromium-headless-shell';

/** Nothing of it goes to the network; as root, and in containers, it cannot have a sandbox of its own. */
const OPTIONS = [
  ...[
    '--remote-debugging-pipe',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--no-first-run',
  ],
  ...[
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-extensions',
  ],
  ...['--force-color-profile=srgb', '--hide-scrollbars', '--font-render-hinting=none'],
];

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

/** How a page is looked at. */
export interface Viewport {
  readonly width: number;
  readonly height: number;
  readonly scale?: number;
  readonly scheme: 'light' | 'dark';
}

/** A real browser without a window, and one page in it; driven by the DevTools protocol over a pipe: JSON that ends with a NUL. */
export class Browser implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #answers = new Map<number, (message: Message) => void>();
  readonly #said: string[] = [];
  #session: string | undefined;
  #lastId = 0;

  private constructor(process: ChildProcess, folder: string) {
    this.#process = process;
    this.#folder = folder;
    let rest = '';
    const output = process.stdio[4] as Readable;
    output.setEncoding('utf8').on('data', (text: string) => {
      const pieces = (rest + text).split('\0');
      rest = pieces.pop() ?? '';
      for (const piece of pieces) this.#onMessage(JSON.parse(piece) as Message);
    });
    for (const stream of process.stdio) stream?.on('error', () => {}); // its end is told by `exit`
    process.once('exit', () => {
      for (const answer of this.#answers.values()) answer({ error: { message: `${COMMAND} has ended` } });
    });
  }

  /** @throws Error when there is none, or it does not start */
  static async start(): Promise<Browser> {
    const folder = await mkdtemp(join(tmpdir(), 'tshuttle-browser-'));
    const words = [...OPTIONS, `--user-data-dir=${folder}`];
    const child = spawn(COMMAND, words, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    await once(child, 'spawn');
    const browser = new Browser(child, folder);
    try {
      const { targetId } = await browser.#ask('Target.createTarget', { url: 'about:blank' });
      const attached = await browser.#ask('Target.attachToTarget', { targetId, flatten: true });
      browser.#session = String(attached['sessionId']);
      for (const domain of ['Page', 'Runtime', 'Log']) await browser.#ask(`${domain}.enable`);
      return browser;
    } catch (error) {
      await browser[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What pages have complained of: errors of scripts, and what their policies refused. */
  get complaints(): readonly string[] {
    return this.#said;
  }

  async view({ width, height, scale = 1, scheme }: Viewport): Promise<void> {
    const mobile = false;
    await this.#ask('Emulation.setDeviceMetricsOverride', {
      width,
      height,
      deviceScaleFactor: scale,
      mobile,
    });
    await this.#ask('Emulation.setEmulatedMedia', {
      features: [{ name: 'prefers-color-scheme', value: scheme }],
    });
  }

  /** Goes to an address, as if it were typed. */
  async open(url: string): Promise<void> {
    await this.#ask('Page.navigate', { url, transitionType: 'typed' });
    await until(() => this.evaluate<boolean>('document.readyState === "complete"'), {
      deadlineMs: 10_000,
      what: url,
    });
  }

  async reload(): Promise<void> {
    await this.evaluate('window.isOld = true');
    await this.#ask('Page.reload');
    await until(() => this.evaluate<boolean>('window.isOld !== true && document.readyState === "complete"'), {
      deadlineMs: 10_000,
      what: 'the reload',
    });
  }

  /** The value of an expression in the page; plain data. @throws Error what it throws */
  async evaluate<T>(expression: string): Promise<T> {
    const answer = await this.#ask('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    const { exceptionDetails } = answer;
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (answer['result'] as { readonly value: T }).value;
  }

  /** Waits until the text that the page shows is like this. @returns it */
  async untilShown(expected: RegExp, deadlineMs = 15_000): Promise<string> {
    let text = '';
    return await until(
      async () => {
        text = await this.evaluate<string>('document.body.innerText');
        return expected.test(text) && text;
      },
      { deadlineMs, what: () => `${expected} in\n${text}` },
    );
  }

  /** What is to be seen, as PNG. */
  async screenshot(): Promise<Buffer> {
    const { data } = await this.#ask('Page.captureScreenshot', { format: 'png' });
    return Buffer.from(String(data), 'base64');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 10 });
  }

  #ask(method: string, params: object = {}): Promise<Readonly<Record<string, unknown>>> {
    this.#lastId += 1;
    const id = this.#lastId;
    const session = this.#session === undefined ? {} : { sessionId: this.#session };
    const answered = new Promise<Message>((resolve) => this.#answers.set(id, resolve));
    (this.#process.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    return answered.then(({ result, error }) => {
      this.#answers.delete(id);
      if (error !== undefined) throw new Error(`${method}: ${error.message}`);
      return result ?? {};
    });
  }

  #onMessage({ id, method, params, result, error }: Message): void {
    if (id !== undefined) {
      this.#answers.get(id)?.({
        ...(result === undefined ? {} : { result }),
        ...(error === undefined ? {} : { error }),
      });
    }
    if (method === 'Runtime.exceptionThrown' || method === 'Log.entryAdded')
      this.#said.push(JSON.stringify(params));
  }
}
