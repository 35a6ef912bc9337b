package io.plumbline.spark.source;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names for directories that only one call writes to: they say which process on which host, so that
 * what a killed run left can be told from what another run is writing.
 */
final class Owner {
  private static final Pattern NAME = Pattern.compile("(.+)-([0-9]{1,18})-[0-9a-f]{8}");

  private Owner() {}

  static String newName() {
    return host()
        + "-"
        + ProcessHandle.current().pid()
        + "-"
        + UUID.randomUUID().toString().substring(0, 8);
  }

  /** Whether a process of this host made the name and is no more. */
  static boolean isGone(String name) {
    Matcher matcher = NAME.matcher(name);
    if (!matcher.matches() || !matcher.group(1).equals(host())) {
      return false;
    }
    Optional<ProcessHandle> process = ProcessHandle.of(Long.parseLong(matcher.group(2)));
    return process.isEmpty() || !process.get().isAlive();
  }

  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName().replaceAll("[^A-Za-z0-9]+", "-");
    } catch (UnknownHostException e) {
      return "unknown-host";
    }
  }
}
