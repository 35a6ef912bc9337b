package io.plumbline.collective;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.UUID;

/**
 * Where a rank can be reached.
 *
 * @param process the Java process, so that ranks of one process find each other
 * @param machine the running kernel, so that ranks of one host find each other
 * @param socketFile a Unix-domain socket on that machine, or empty
 */
record Address(String process, String machine, String host, int port, String socketFile) {
  /** This process. Belongs to the class loader, so copies of the classes do not mistake it. */
  static final String PROCESS = UUID.randomUUID().toString();

  static final String MACHINE = thisMachine();

  private static String thisMachine() {
    Path bootId = Path.of("/proc/sys/kernel/random/boot_id");
    try {
      if (Files.isReadable(bootId)) {
        return Files.readString(bootId, StandardCharsets.US_ASCII).strip();
      }
      return InetAddress.getLocalHost().getHostName();
    } catch (IOException e) {
      throw new UncheckedIOException("this machine cannot be told from others", e);
    }
  }

  /** One line of printable ASCII without spaces. */
  String encode() {
    return String.join(
        ",", word(process), word(machine), word(host), Integer.toString(port), word(socketFile));
  }

  static Address parse(int rank, String line) {
    String[] words = line.split(",", -1);
    try {
      if (words.length == 5) {
        int port = Integer.parseInt(words[3]);
        if (port > 0 && port < 65536) {
          return new Address(text(words[0]), text(words[1]), text(words[2]), port, text(words[4]));
        }
      }
    } catch (IllegalArgumentException e) {
      throw malformed(rank, e);
    }
    throw malformed(rank, null);
  }

  private static PlumblineException malformed(int rank, Throwable cause) {
    return new PlumblineException(
        ErrorCode.GANG_BROKEN,
        "Rank %d gave an address that cannot be read; all ranks must run the same version."
            .formatted(rank),
        cause);
  }

  private static String word(String text) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String text(String word) {
    return new String(Base64.getUrlDecoder().decode(word), StandardCharsets.UTF_8);
  }
}
