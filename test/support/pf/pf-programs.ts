import { chmodSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { FakePf } from './fake-pf.ts';

/** pfctl(8) and ifconfig(8) of a fake, as programs in its folder. */
export interface PfPrograms extends AsyncDisposable {
  /** Command lines of which pfctl has begun the work, and not ended it, as `-a ANCHOR -f -`. */
  readonly waiting: readonly string[];
  /** From now on pfctl loads no rules until {@link PfPrograms.goOn}. */
  stall(): void;
  goOn(): void;
}

/** Only carries words to us and back: it starts in a few ms, where Node.js would take more than all the rest. */
const PROGRAM = `#!/usr/bin/perl
use strict; use warnings; use IO::Socket::UNIX;
my ($folder, $tool) = $0 =~ m{^(.*)/([^/]+)$};
my $socket = IO::Socket::UNIX->new(Peer => "$folder/socket") or die "no kernel: $!";
local $/;
my $input = (grep { $_ eq '-f' } @ARGV) ? <STDIN> : '';
print $socket join("\\n", $tool, @ARGV), "\\0", $input;
$socket->shutdown(1);
my $answer = <$socket>;
my ($status, $output, $errors) = split /\\0/, $answer, -1;
print STDOUT $output; print STDERR $errors;
exit $status;
`;

/** Puts them there. They are processes that can be killed, and that outlive who has started them. */
export async function openPfPrograms(fake: FakePf): Promise<PfPrograms> {
  for (const tool of ['pfctl', 'ifconfig']) {
    writeFileSync(join(fake.folder, tool), PROGRAM);
    chmodSync(join(fake.folder, tool), 0o700);
  }
  const waiting: string[] = [];
  let stalled: (() => void)[] | undefined;
  const serve = async (socket: Socket): Promise<void> => {
    const [words = '', input = ''] = (await allOf(socket)).split('\0');
    const [tool, ...argv] = words.split('\n');
    if (stalled !== undefined && argv.includes('-f') && !argv.includes('-n')) {
      waiting.push(argv.join(' '));
      await new Promise<void>((resolve) => stalled?.push(resolve));
    }
    const { status, stdout, stderr } = tool === 'pfctl' ? fake.pfctl(argv, input) : fake.ifconfig(argv);
    socket.end([status, stdout, stderr].join('\0'));
  };
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {}); // the program was killed
    serve(socket).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(join(fake.folder, 'socket'), resolve));
  const goOn = (): void => {
    for (const resume of stalled ?? []) resume();
    stalled = undefined;
  };
  return {
    waiting,
    stall: () => {
      stalled ??= [];
    },
    goOn,
    [Symbol.asyncDispose]: async () => {
      goOn();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Not by an iterator, which would close the socket with the end of what it reads. */
function allOf(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let words = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      words += chunk;
    });
    socket.on('end', () => resolve(words));
  });
}
