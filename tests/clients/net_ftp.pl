# The scenario of walks.py with Net::FTP of Perl's standard library.
use strict;
use warnings;

use File::Path qw(make_path);
use JSON::PP;
use Net::FTP;

my ($host, $port, $user, $password, $tls, $mode, $authority) = @ARGV;

my $ftp = Net::FTP->new(
    $host,
    Port => $port,
    Passive => $mode eq 'passive',
    Timeout => 10,
    SSL => $tls eq 'implicit',
    SSL_ca_file => $authority,
) or die "connecting: $@";

# A refused call returns undef, or false, which is the empty string.
sub sure {
    my ($answer) = @_;
    return $answer if length($answer // '');
    die 'refused: ', $ftp->code, ' ', $ftp->message;
}

# Maps names to sizes, undef for directories, from a listing in the format of ls.
sub listing {
    my ($path) = @_;
    my %found;
    my @lines = $ftp->dir($path);
    sure($ftp->ok);
    for my $line (@lines) {
        my ($kind, $size, $name) = $line =~ /^([-d])\S+ +\d+ +\S+ +\S+ +(\d+) +\w{3} +\d+ +[\d:]+ (.+)$/
            or die "a line of another form: $line";
        $found{$name} = $kind eq 'd' ? undef : $size + 0;
    }
    return \%found;
}

sub mirror_down {
    my ($remote, $local) = @_;
    make_path($local);
    my $found = listing($remote);
    for my $name (sort keys %$found) {
        if (defined $found->{$name}) {
            sure($ftp->get("$remote/$name", "$local/$name"));
        } else {
            mirror_down("$remote/$name", "$local/$name");
        }
    }
}

sub mirror_up {
    my ($local, $remote) = @_;
    sure($ftp->mkdir($remote));
    for my $path (glob "$local/*") {
        my $target = $remote . substr $path, length $local;
        -d $path ? mirror_up($path, $target) : sure($ftp->put($path, $target));
    }
}

sure($ftp->starttls) if $tls eq 'explicit';
sure($ftp->login($user, $password));
sure($ftp->prot('P')) if $tls ne 'none';
sure($ftp->binary);

my %report = (
    listing => listing('/tree'),
    size => sure($ftp->size('/big.bin')) + 0,
    modified => sure($ftp->mdtm('/big.bin')),
);
$ftp->get('/missing.bin', 'missing.bin');
$report{missing} = $ftp->code + 0;

my $quoted = sure($ftp->mkdir('a "quoted" one'));
sure($ftp->cwd($quoted));
$report{directory} = sure($ftp->pwd);
sure($ftp->cdup);

sure($ftp->put('big.bin', '/sent.bin'));
sure($ftp->get('/big.bin', 'got.bin'));
sure($ftp->get('/big.bin', 'part.bin', -s 'part.bin'));
open my $rest, '<:raw', 'big.bin' or die $!;
seek $rest, sure($ftp->size('/part.bin')), 0;
sure($ftp->append($rest, '/part.bin'));

sure($ftp->rename('/old.txt', '/new.txt'));
sure($ftp->delete('/gone.txt'));
sure($ftp->mkdir('/unmade'));
sure($ftp->rmdir('/unmade'));

mirror_down('/tree', 'down');
mirror_up('up', '/up');
$ftp->quit;
print JSON::PP->new->canonical->encode(\%report);
