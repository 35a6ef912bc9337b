package io.plumbline.spark.source;

import io.plumbline.base.ProcessSpace;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names for directories that only one call writes to: they say which process of which machine and
 * container, so that what a killed run left can be told from what another run is writing.
 */
final class Owner {
  private static final Pattern NAME = Pattern.compile("(.+)-([0-9]{1,18})-[0-9a-f]{8}");

  private Owner() {}

  static String newName() {
    return ProcessSpace.name()
        + "-"
        + ProcessHandle.current().pid()
        + "-"
        + UUID.randomUUID().toString().substring(0, 8);
  }

  /** Whether a process that could be seen from here made the name and is no more. */
  static boolean isGone(String name) {
    Matcher matcher = NAME.matcher(name);
    if (!matcher.matches() || !matcher.group(1).equals(ProcessSpace.name())) {
      return false;
    }
    Optional<ProcessHandle> process = ProcessHandle.of(Long.parseLong(matcher.group(2)));
    return process.isEmpty() || !process.get().isAlive();
  }
}
