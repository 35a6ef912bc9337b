package io.plumbline.collective;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Gangs within this process, without sockets: each rank is used by a thread of its own. */
public final class LocalRings {
  private LocalRings() {}

  /** One collective a rank, in order, with a deadline of a minute. */
  public static List<Collective> create(int worldSize) {
    return create(worldSize, Duration.ofMinutes(1));
  }

  /** One collective a rank, in order. */
  public static List<Collective> create(int worldSize, Duration deadline) {
    byte[] unused = new byte[16];
    List<Collective> ranks = new ArrayList<>(worldSize);
    SharedMemory.Group group = new SharedMemory.Group(worldSize);
    for (int rank = 0; rank < worldSize; rank++) {
      Membership membership = new Membership(rank, worldSize, 0, unused, deadline, () -> false);
      ranks.add(worldSize == 1 ? new SingleRank() : new SharedMemory(group, membership));
    }
    return List.copyOf(ranks);
  }
}
