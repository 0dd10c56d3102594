# Communicates with a QEMU through the sockets in the current folder.
# usage: perl board-qemu.pl monitor LINE       prints what the monitor answers
#        perl board-qemu.pl watch PATH FILE    writes each edge of the device's output lines to FILE until QEMU exits
use strict;
use warnings;
use IO::Socket::UNIX;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

sub now { return clock_gettime(CLOCK_MONOTONIC) }

sub connected {
    my ($name) = @_;
    return IO::Socket::UNIX->new(Peer => $name) || die "$name: $!\n";
}

my ($what, @arguments) = @ARGV;
if ($what eq 'monitor') {
    my $socket = connected('monitor');
    my $prompt = sub {
        local $/ = '(qemu) ';
        return scalar <$socket> // die "QEMU has exited\n";
    };
    $prompt->();
    print $socket "$arguments[0]\n";
    my $answer = $prompt->();
    $answer =~ s/\(qemu\) $//;
    # QEMU first echoes the line.
    $answer =~ s/^[^\n]*\n//;
    $answer =~ s/\r//g;
    print $answer;
} elsif ($what eq 'watch') {
    my ($path, $file) = @arguments;
    my $socket = connected('qtest');
    print $socket "irq_intercept_out $path\n";
    my $answer = <$socket> // '';
    $answer =~ /^OK/ or die "irq_intercept_out: $answer\n";
    my $start = now();
    open my $edges, '>', $file or die "$file: $!\n";
    $edges->autoflush(1);
    while (my $line = <$socket>) {
        my ($level, $number) = $line =~ /^IRQ (raise|lower) (\d+)/ or next;
        printf $edges "%.6f gpio %d %d\n", now() - $start, 2040 + $number, $level eq 'raise' ? 1 : 0;
    }
}
