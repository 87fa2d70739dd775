import { spawn } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { printableLine } from '../../core/printable.ts';
import { environmentForChildren } from '../child-environment.ts';
import { openNamelessFile } from './nameless-file.ts';

/** For the whole of a session: a forced command may say nothing and stay. */
const TIMEOUT_MS = 5_000;

/** How long the last words of a program that has ended may take. The master has its standard error, too, and may keep it open. */
const LAST_WORDS_MS = 250;

/** Any configuration file is smaller. */
const MAX_FILE_BYTES = 64 * 1024;

/** What a command that is asked for something may say. */
const MAX_OUTPUT_BYTES = 128 * 1024;

/** What is kept of what a program says; it goes on being read. */
const MAX_SAID_BYTES = 4_096;

/** How commands of sftp name the file that they read and write here. */
export const SFTP_FILE = '/dev/fd/3';

/** A path as one word of sftp's, of which nothing is a pattern. */
function sftpWord(path: string): string {
  return `"${path.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** `sh -c LIMITED sh BLOCKS COMMAND...`: a file that it writes may have so many blocks of 512 bytes, and no more. */
const LIMITED = 'ulimit -f "$1" && shift && exec "$@"';

/** How a program has ended, and its first words on standard error. */
interface Ending {
  readonly exitCode: number | null;
  readonly said: string;
}

/** What a program says that was asked something. */
export interface Answer extends Ending {
  /** The beginning of its standard output; a character a byte. */
  readonly output: string;
}

/**
 * Sessions on the bastion by a master that is up, with the `ssh` and `sftp` of this machine. They go by that master or not at
 * all: nobody is asked, nothing is dialled, and the user's configuration has no say.
 */
export class MasterSessions {
  readonly #path: string;
  readonly #timeoutMs: number;
  readonly #over = new AbortController();

  /**
   * @param path the control socket
   * @param timeoutMs for the whole of a session
   */
  constructor(path: string, timeoutMs = TIMEOUT_MS) {
    this.#path = resolve(path);
    this.#timeoutMs = timeoutMs;
    // One for each program, which is no leak.
    setMaxListeners(0, this.#over.signal);
  }

  /**
   * Has the bastion send small answers at once, which sshd does from its first session on (native-notes/nagle.md): one runs
   * `true`. Its fate is ignored.
   */
  deliverPromptly(logger: Logger): void {
    void this.#run('ssh', [...this.#byMasterOnly(), '-T', '-n', '-a', '-x', '--', 'bastion', 'true']).then(
      ({ said }) => {
        if (said !== '') logger.debug(`the session on the bastion, which is not needed: ${said}`);
      },
    );
  }

  /** Reads a small text file of the bastion over SFTP. @throws Error with a reason for people */
  async readFile(path: string): Promise<string> {
    const { exitCode, said, output } = await this.sftp(
      [`get ${sftpWord(path)} ${SFTP_FILE}`],
      '',
      MAX_FILE_BYTES,
    );
    if (exitCode !== 0) throw new Error(said === '' ? 'sftp was ended' : `sftp: ${said}`);
    return output;
  }

  /** What a command on the bastion says, whatever it ends with. @throws Error with a reason for people */
  async run(command: string): Promise<string> {
    const output: Buffer[] = [];
    let bytes = 0;
    const onOutput = (piece: Buffer): boolean => {
      output.push(piece);
      bytes += piece.length;
      return bytes > MAX_OUTPUT_BYTES;
    };
    const argv = [...this.#byMasterOnly(), '-T', '-n', '-a', '-x', '--', 'bastion', command];
    const { exitCode, said } = await this.#run('ssh', argv, { input: '', onOutput });
    if (bytes > MAX_OUTPUT_BYTES) throw new Error('it says too much');
    // ssh(1): 255 where it could not run it.
    if (exitCode === null || exitCode === 255) throw new Error(said === '' ? 'ssh was ended' : said);
    return Buffer.concat(output).toString('utf8');
  }

  /**
   * Has the `sftp` of this machine do one thing after another, up to the first that fails. Never rejects.
   *
   * @param commands which may name {@link SFTP_FILE}, a file of ours, to write it there or from there
   * @param input what that file has at first
   * @param maxBytes what that file may have
   * @returns as output, what that file has at the end
   */
  async sftp(commands: readonly string[], input: string, maxBytes: number): Promise<Answer> {
    const file = await openNamelessFile();
    try {
      await file.write(input, 0);
      const blocks = String(Math.ceil(maxBytes / 512));
      const ending = await this.#run(
        '/bin/sh',
        ['-c', LIMITED, 'sh', blocks, 'sftp', ...this.#byMasterOnly(), '-b', '-', 'bastion'],
        { input: commands.map((command) => `${command}\n`).join(''), file },
      );
      const { buffer, bytesRead } = await file.read(Buffer.alloc(maxBytes), 0, maxBytes, 0);
      return { ...ending, output: buffer.toString('utf8', 0, bytesRead) };
    } finally {
      await file.close();
    }
  }

  /**
   * Runs `ssh` with further words before the host, and what the bastion is to run behind it. Never rejects.
   *
   * @param input for its standard input
   * @param maxBytes what is kept of its output
   */
  async ask(
    words: readonly string[],
    command: readonly string[],
    input: Buffer,
    maxBytes = MAX_SAID_BYTES,
  ): Promise<Answer> {
    let output = '';
    const onOutput = (bytes: Buffer): boolean => {
      output = (output + bytes.toString('latin1')).slice(0, maxBytes);
      return false;
    };
    const argv = [...this.#byMasterOnly(), ...words, '--', 'bastion', ...command];
    return { ...(await this.#run('ssh', argv, { input, onOutput })), output };
  }

  /** Ends those that run. Idempotent. */
  end(): void {
    this.#over.abort();
  }

  /** Where the master does not serve them, ssh would log in by itself. */
  #byMasterOnly(): string[] {
    const path = this.#path.replaceAll('%', '%%');
    const options = [`ControlPath=${path}`, 'ControlMaster=no', 'ProxyCommand=false', 'BatchMode=yes'];
    return ['-F', 'none', ...[...options, 'LogLevel=ERROR'].flatMap((option) => ['-o', option])];
  }

  /** Never rejects. */
  async #run(
    program: string,
    programArguments: readonly string[],
    streams?: {
      readonly input: string | Buffer;
      /** Its descriptor 3. */
      readonly file?: FileHandle;
      /** Whether it is enough: it is ended then. */
      readonly onOutput?: (bytes: Buffer) => boolean;
    },
  ): Promise<Ending> {
    if (this.#over.signal.aborted) return { exitCode: null, said: 'the tunnel is closing' };
    const child = spawn(program, programArguments, {
      stdio: [
        streams === undefined ? 'ignore' : 'pipe',
        streams?.onOutput === undefined ? 'ignore' : 'pipe',
        'pipe',
        streams?.file?.fd ?? 'ignore',
      ],
      env: environmentForChildren(process.env),
      // With a process group: sftp starts an ssh, which would outlive it.
      detached: true,
    });
    const kill = (): void => killGroup(child.pid);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      kill();
    }, this.#timeoutMs);
    this.#over.signal.addEventListener('abort', kill, { once: true });
    let said = '';
    child.stdout?.on('error', () => {});
    child.stdout?.on('data', (bytes: Buffer) => {
      if (streams?.onOutput?.(bytes) === true) kill();
    });
    child.stderr?.on('error', () => {});
    child.stderr?.on('data', (bytes: Buffer) => {
      said = (said + bytes.toString()).slice(0, MAX_SAID_BYTES);
    });
    const input = child.stdin as Writable | null;
    input?.on('error', () => {});
    // A server that reads the end before it has answered does not answer.
    if (streams?.onOutput === undefined || streams.input.length === 0) input?.end(streams?.input);
    else {
      input?.write(streams.input);
      child.stdout?.once('data', () => input?.end());
    }
    const exitCode = await new Promise<number | null>((settle) => {
      child.on('error', (error) => {
        said ||= messageOf(error);
        settle(null);
      });
      child.once('close', (code) => settle(code));
      child.once('exit', () => {
        const stop = (): void => {
          child.stdout?.destroy();
          child.stderr?.destroy();
        };
        setTimeout(stop, LAST_WORDS_MS).unref();
      });
    });
    clearTimeout(timer);
    this.#over.signal.removeEventListener('abort', kill);
    const first = /^.*session request failed: (.*)$/m.exec(said)?.[1] ?? /^.*\S.*$/m.exec(said)?.[0] ?? '';
    return {
      exitCode,
      said: isLate ? `no answer within ${this.#timeoutMs / 1_000} s` : printableLine(first),
    };
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: all have ended.
  }
}
