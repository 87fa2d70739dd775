# close-terminal.pl PATTERN COMMAND...: runs a command on a terminal of its own, closes the terminal when the command has
# printed the pattern, and prints how the command ended, as wait(2) tells it: 0 for exit status 0.
use strict;
use warnings;
use Fcntl;
use POSIX ();

use constant { TIOCGPTN => 0x80045430, TIOCSPTLCK => 0x40045431 };    # asm-generic/ioctls.h

my $pattern = shift @ARGV;
sysopen(my $terminal, '/dev/ptmx', O_RDWR | O_NOCTTY) or die "/dev/ptmx: $!";
ioctl($terminal, TIOCSPTLCK, my $unlock = pack('i', 0)) or die "unlock: $!";
ioctl($terminal, TIOCGPTN, my $number = pack('I', 0)) or die "number: $!";
my $name = '/dev/pts/' . unpack('I', $number);

my $pid = fork() // die "fork: $!";
if ($pid == 0) {
  POSIX::setsid();
  close $terminal;
  POSIX::close($_) for 0 .. 2;
  sysopen(STDIN, $name, O_RDWR) or POSIX::_exit(99);    # the first of a new session: its controlling terminal
  POSIX::dup2(0, 1);
  POSIX::dup2(0, 2);
  exec(@ARGV) or POSIX::_exit(98);
}
alarm 20;
my $screen = '';
while ($screen !~ /$pattern/) { sysread($terminal, $screen, 4096, length $screen) or last }
close $terminal;
waitpid($pid, 0);
print "ended with $?\n";
