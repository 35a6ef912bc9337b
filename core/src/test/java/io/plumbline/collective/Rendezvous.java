package io.plumbline.collective;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/** How processes of a test tell each other their addresses. */
final class Rendezvous {
  private Rendezvous() {}

  static List<String> byFiles(Path directory, int rank, int worldSize, String address)
      throws IOException, InterruptedException {
    Path unfinished = Files.writeString(directory.resolve("unfinished-" + rank), address);
    Files.move(unfinished, directory.resolve("rank-" + rank), StandardCopyOption.ATOMIC_MOVE);
    List<String> addresses = new ArrayList<>();
    long deadline = System.nanoTime() + 60_000_000_000L;
    while (addresses.size() < worldSize) {
      Path file = directory.resolve("rank-" + addresses.size());
      if (Files.exists(file)) {
        addresses.add(Files.readString(file));
      } else if (System.nanoTime() > deadline) {
        throw new IllegalStateException("no " + file);
      } else {
        Thread.sleep(5);
      }
    }
    return addresses;
  }
}
