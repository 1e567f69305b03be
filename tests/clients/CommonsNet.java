import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Arrays;
import java.util.stream.Collectors;
import javax.net.ssl.TrustManagerFactory;
import org.apache.commons.net.ftp.FTP;
import org.apache.commons.net.ftp.FTPClient;
import org.apache.commons.net.ftp.FTPFile;
import org.apache.commons.net.ftp.FTPReply;
import org.apache.commons.net.ftp.FTPSClient;

/** The scenario of walks.py with Commons Net. */
public final class CommonsNet {
    private static FTPClient ftp;

    public static void main(String[] arguments) throws Exception {
        String tls = arguments[4];
        ftp = tls.equals("none") ? new FTPClient() : encrypted(tls.equals("implicit"), Path.of(arguments[6]));
        ftp.setControlEncoding("UTF-8");
        ftp.connect(arguments[0], Integer.parseInt(arguments[1]));
        sure(FTPReply.isPositiveCompletion(ftp.getReplyCode()));
        sure(ftp.login(arguments[2], arguments[3]));
        if (ftp instanceof FTPSClient) {
            ((FTPSClient) ftp).execPBSZ(0);
            ((FTPSClient) ftp).execPROT("P");
        }
        sure(ftp.setFileType(FTP.BINARY_FILE_TYPE));
        if (arguments[5].equals("passive")) {
            ftp.enterLocalPassiveMode();
        }
        String report = walk();
        ftp.logout();
        ftp.disconnect();
        System.out.println(report);
    }

    /** Trusts the authority in a file, and checks that the certificate matches the address of the server. */
    private static FTPSClient encrypted(boolean implicit, Path authority) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream file = Files.newInputStream(authority)) {
            Certificate certificate = CertificateFactory.getInstance("X.509").generateCertificate(file);
            store.setCertificateEntry("authority", certificate);
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        FTPSClient client = new FTPSClient(implicit);
        client.setTrustManager(factory.getTrustManagers()[0]);
        client.setEndpointCheckingEnabled(true);
        return client;
    }

    private static String walk() throws IOException {
        String listing = Arrays.stream(ftp.listFiles("/tree"))
            .map(file -> quoted(file.getName()) + ": " + (file.isDirectory() ? "null" : file.getSize()))
            .collect(Collectors.joining(", ", "{", "}"));
        String size = ftp.getSize("/big.bin");
        long modified = ftp.mdtmInstant("/big.bin").getEpochSecond();
        sure(!ftp.retrieveFile("/missing.bin", OutputStream.nullOutputStream()));
        int missing = ftp.getReplyCode();

        sure(ftp.makeDirectory("a \"quoted\" one"));
        sure(ftp.changeWorkingDirectory("a \"quoted\" one"));
        String directory = ftp.printWorkingDirectory();
        sure(ftp.changeToParentDirectory());

        send(Path.of("big.bin"), "/sent.bin");
        fetch("/big.bin", Path.of("got.bin"));
        ftp.setRestartOffset(Files.size(Path.of("part.bin")));
        fetch("/big.bin", Path.of("part.bin"));
        try (FileChannel rest = FileChannel.open(Path.of("big.bin"))) {
            rest.position(Long.parseLong(ftp.getSize("/part.bin")));
            sure(ftp.appendFile("/part.bin", Channels.newInputStream(rest)));
        }

        sure(ftp.rename("/old.txt", "/new.txt"));
        sure(ftp.deleteFile("/gone.txt"));
        sure(ftp.makeDirectory("/unmade"));
        sure(ftp.removeDirectory("/unmade"));

        mirrorDown("/tree", Path.of("down"));
        mirrorUp(Path.of("up"), "/up");
        return String.format(
            "{\"listing\": %s, \"size\": %s, \"modified\": %d, \"missing\": %d, \"directory\": %s}",
            listing, size, modified, missing, quoted(directory));
    }

    private static void send(Path path, String remote) throws IOException {
        try (InputStream file = Files.newInputStream(path)) {
            sure(ftp.storeFile(remote, file));
        }
    }

    private static void fetch(String remote, Path path) throws IOException {
        try (OutputStream file = Files.newOutputStream(path, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
            sure(ftp.retrieveFile(remote, file));
        }
    }

    private static void mirrorDown(String remote, Path local) throws IOException {
        Files.createDirectory(local);
        for (FTPFile file : ftp.mlistDir(remote)) {
            if (file.getName().matches("\\.\\.?")) {
                continue; // a machine listing also has the directory itself and its parent
            }
            if (file.isDirectory()) {
                mirrorDown(remote + "/" + file.getName(), local.resolve(file.getName()));
            } else {
                fetch(remote + "/" + file.getName(), local.resolve(file.getName()));
            }
        }
    }

    private static void mirrorUp(Path local, String remote) throws IOException {
        sure(ftp.makeDirectory(remote));
        try (var paths = Files.newDirectoryStream(local)) {
            for (Path path : paths) {
                String target = remote + "/" + path.getFileName();
                if (Files.isDirectory(path)) {
                    mirrorUp(path, target);
                } else {
                    send(path, target);
                }
            }
        }
    }

    /** A refused call returns false. */
    private static void sure(boolean done) throws IOException {
        if (!done) {
            throw new IOException(ftp.getReplyString());
        }
    }

    private static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
