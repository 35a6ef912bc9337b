package io.plumbline.base;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Within what a process id means one process: a machine since its start, and in it a container.
 * Names of hosts do not tell: they can be the same in two containers, and change under one.
 */
public final class ProcessSpace {
  private static final String HERE = of();

  private ProcessSpace() {}

  /** A text that is the same exactly for processes that see each other's ids; never empty. */
  public static String here() {
    return HERE;
  }

  /** A text without blanks, for names of files. */
  public static String name() {
    return Sha256.hex(HERE).substring(0, 16);
  }

  private static String of() {
    try {
      return Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip()
          + " "
          + Files.readSymbolicLink(Path.of("/proc/self/ns/pid"));
    } catch (IOException | UnsupportedOperationException e) {
      // Where the system does not say it, the host's name is the best that there is.
      return "host " + host();
    }
  }

  /** This host's name, for people. */
  public static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      // Machines without a resolvable name still have one to tell them apart.
      return Optional.ofNullable(System.getenv("HOSTNAME")).orElse("localhost");
    }
  }
}
