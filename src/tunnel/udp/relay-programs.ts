/*
 * The relay, once for each interpreter that bastions have. Both do the same: read frames (relay-frames.ts) from standard input, send each
 * datagram from a socket of its flow, and write what comes back. They keep nothing but these sockets, 512 at most, of which the oldest goes
 * first; what the connection does not take waits in them, where the kernel drops what is too much. They end with their input, or when nobody
 * reads their output.
 */

/** What a relay says when it takes frames. */
export const READY_LINE = 'tshuttle-udp ready';

/** What a relay runs in. socat has no framing that keeps datagrams apart on one stream. */
type Interpreter = 'python3' | 'perl';

/** Python 3.4 and later. */
const PYTHON = `
import os, selectors, socket, struct

flows = {}
sel = selectors.DefaultSelector()

def say(data):
    while data:
        data = data[os.write(1, data):]

def end(flow):
    sock = flows.pop(flow, None)
    if sock is not None:
        sel.unregister(sock)
        sock.close()

def take(frame):
    flow, port, size = struct.unpack_from(">IHB", frame)
    if size == 0:
        return end(flow)
    sock = flows.get(flow)
    if sock is None:
        if len(flows) >= 512:
            end(next(iter(flows)))
        family = socket.AF_INET if size == 4 else socket.AF_INET6
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.setblocking(False)
        try:
            sock.connect((socket.inet_ntop(family, frame[7:7 + size]), port))
        except OSError:
            return sock.close()
        flows[flow] = sock
        sel.register(sock, selectors.EVENT_READ, flow)
    try:
        sock.send(frame[7 + size:])
    except OSError:
        pass

def pass_on(flow, sock):
    for turn in range(64):
        if flows.get(flow) is not sock:
            return
        try:
            data = sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            continue
        say(struct.pack(">HI", len(data) + 4, flow) + data)

say(b"${READY_LINE}\\n")
rest = b""
sel.register(0, selectors.EVENT_READ)
while True:
    for key, events in sel.select():
        if key.data is not None:
            pass_on(key.data, key.fileobj)
            continue
        data = os.read(0, 262144)
        if not data:
            os._exit(0)
        rest += data
        at = 0
        while len(rest) - at >= 2:
            size = struct.unpack_from(">H", rest, at)[0]
            if len(rest) - at - 2 < size:
                break
            take(rest[at + 2:at + 2 + size])
            at += 2 + size
        rest = rest[at:]
`;

/** Perl 5.14 and later: what every Debian has (perl-base). */
const PERL = `
use strict;
use Socket;
use Fcntl;

my (%flows, @order);
my $rest = "";

sub say_all {
    my $data = shift;
    while (length $data) {
        my $written = syswrite(STDOUT, $data);
        exit 0 unless defined $written;
        substr($data, 0, $written, "");
    }
}

sub end_flow {
    my $sock = delete $flows{$_[0]};
    close $sock if $sock;
}

sub take {
    my ($flow, $port, $size, $more) = unpack("NnCa*", shift);
    return end_flow($flow) if !$size;
    my $address = substr($more, 0, $size, "");
    if (!$flows{$flow}) {
        end_flow(shift @order) while keys %flows >= 512 && @order;
        my $is4 = $size == 4;
        my $to = $is4 ? pack_sockaddr_in($port, $address) : Socket::pack_sockaddr_in6($port, $address);
        socket(my $sock, $is4 ? AF_INET : Socket::AF_INET6(), SOCK_DGRAM, 0) or return;
        connect($sock, $to) or return;
        fcntl($sock, F_SETFL, fcntl($sock, F_GETFL, 0) | O_NONBLOCK);
        $flows{$flow} = $sock;
        @order = grep { $flows{$_} && $_ != $flow } @order if @order > 1024;
        push @order, $flow;
    }
    send($flows{$flow}, $more, 0);
}

sub pass_on {
    my ($flow, $sock) = @_;
    for (1 .. 64) {
        my $data = "";
        return if !defined recv($sock, $data, 65536, 0) && $!{EAGAIN};
        say_all(pack("nN", length($data) + 4, $flow) . $data) if length $data;
    }
}

say_all("${READY_LINE}\\n");
while (1) {
    my $ready = "";
    vec($ready, 0, 1) = 1;
    vec($ready, fileno $_, 1) = 1 for values %flows;
    next if select($ready, undef, undef, undef) < 0;
    for my $flow (keys %flows) {
        my $sock = $flows{$flow};
        pass_on($flow, $sock) if vec($ready, fileno $sock, 1);
    }
    next if !vec($ready, 0, 1);
    exit 0 if !sysread(STDIN, my $data, 262144);
    $rest .= $data;
    my $at = 0;
    while (length($rest) - $at >= 2) {
        my $size = unpack("n", substr($rest, $at, 2));
        last if length($rest) - $at - 2 < $size;
        take(substr($rest, $at + 2, $size));
        $at += 2 + $size;
    }
    substr($rest, 0, $at, "");
}
`;

/** The program for each interpreter, ended by the zero byte at which its interpreter stops to read. */
export const RELAY_PROGRAMS: Readonly<Record<Interpreter, string>> = { python3: PYTHON, perl: PERL };

/** What each says of itself before it reads its program. */
export const FOUND_LINE = 'tshuttle-udp found ';

/** Reads a program up to a zero byte from standard input, byte for byte, so that what follows is the program's. */
const READERS: Readonly<Record<Interpreter, readonly [probe: string, command: string]>> = {
  python3: [
    'python3 -c "import selectors"',
    'python3 -c "import os; exec(bytes().join(iter(lambda: os.read(0, 1) or bytes(1), bytes(1))))"',
  ],
  perl: [
    'perl -MSocket -MFcntl -MErrno -e 1',
    'perl -MErrno -e "my (\\$p, \\$c); \\$p .= \\$c while sysread(STDIN, \\$c, 1) && ord \\$c; eval \\$p; die \\$@ if \\$@"',
  ],
};

/**
 * What starts a relay in the first interpreter that runs: it says which one, and awaits its program. In single quotes as a whole, so that
 * every login shell hands it to sh as it is.
 */
export function relayCommand(
  interpreters: readonly [Interpreter, ...Interpreter[]] = ['python3', 'perl'],
): string {
  const attempts = interpreters.map((name, index) => {
    const [probe, command] = READERS[name];
    return `${index === 0 ? 'if' : 'elif'} ${probe} >/dev/null 2>&1; then echo ${FOUND_LINE}${name}; exec ${command}; `;
  });
  return `sh -c '${attempts.join('')}else echo ${FOUND_LINE}nothing; fi'`;
}
