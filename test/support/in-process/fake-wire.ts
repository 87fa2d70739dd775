import type {
  ChannelWire,
  ChannelWireEvents,
  DataSource,
  SessionProgram,
} from '../../../src/ssh/ssh2/channels/channel-wire.ts';

/** A message that the channel layer sent. */
export type SentMessage =
  | { readonly type: 'open'; readonly localId: number; readonly host: string; readonly port: number }
  | { readonly type: 'openSession'; readonly localId: number }
  | { readonly type: 'startProgram'; readonly remoteId: number; readonly program: SessionProgram }
  | { readonly type: 'data'; readonly remoteId: number; readonly bytes: Buffer }
  | { readonly type: 'windowAdjust'; readonly remoteId: number; readonly bytes: number }
  | { readonly type: 'eof' | 'close' | 'requestFailure'; readonly remoteId: number };

/** Records what the channel layer sends; the test plays the bastion through `events`. */
export class FakeWire implements ChannelWire {
  readonly sent: SentMessage[] = [];
  readonly events: ChannelWireEvents;
  writable = true;

  constructor(events: ChannelWireEvents) {
    this.events = events;
  }

  /** The messages of one type, for assertions. */
  of<T extends SentMessage['type']>(type: T): Array<Extract<SentMessage, { type: T }>> {
    return this.sent.filter((message): message is Extract<SentMessage, { type: T }> => message.type === type);
  }

  /** All channel data sent so far to one id, joined. */
  dataTo(remoteId: number): Buffer {
    return Buffer.concat(
      this.of('data')
        .filter((message) => message.remoteId === remoteId)
        .map((message) => message.bytes),
    );
  }

  open(localId: number, _window: number, _packet: number, to: { host: string; port: number }): void {
    this.sent.push({ type: 'open', localId, host: to.host, port: to.port });
  }
  openSession(localId: number): void {
    this.sent.push({ type: 'openSession', localId });
  }
  startProgram(remoteId: number, program: SessionProgram): void {
    this.sent.push({ type: 'startProgram', remoteId, program });
  }
  data(remoteId: number, bytes: Buffer): void {
    this.sent.push({ type: 'data', remoteId, bytes: Buffer.from(bytes) });
  }
  dataFrom(remoteId: number, maxBytes: number, source: DataSource): number {
    const memory = Buffer.alloc(maxBytes);
    const bytes = source.fill(memory);
    if (bytes > 0) this.data(remoteId, memory.subarray(0, bytes));
    return bytes;
  }
  windowAdjust(remoteId: number, bytes: number): void {
    this.sent.push({ type: 'windowAdjust', remoteId, bytes });
  }
  eof(remoteId: number): void {
    this.sent.push({ type: 'eof', remoteId });
  }
  close(remoteId: number): void {
    this.sent.push({ type: 'close', remoteId });
  }
  requestFailure(remoteId: number): void {
    this.sent.push({ type: 'requestFailure', remoteId });
  }
  isOpenForData(): boolean {
    return this.writable;
  }
  queuedBytes(): number {
    return 0;
  }
  flush(): boolean {
    return false;
  }
  tellsWhenDrained(): boolean {
    return false;
  }
  afterOthers(callback: () => void): void {
    setImmediate(callback);
  }
  limitUnsent(): void {}
  ping(onReply: () => void): void {
    setImmediate(onReply);
  }
  tcpPath(): undefined {
    return undefined;
  }
}
