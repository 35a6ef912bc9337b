package io.plumbline.rollout;

import io.plumbline.collective.Collective;
import io.plumbline.data.CanonicalShards;
import io.plumbline.data.TokenizedRow;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * This rank's prompts, in the order of their shards; a curriculum chooses among those of a batch.
 */
final class PromptDraws implements AutoCloseable {
  private final CanonicalShards prompts;
  private final Optional<Curriculum> curriculum;
  private final int promptsPerPhase;
  private final Collective collective;

  private CanonicalShards.StepReader reader;
  private long batchesRead;

  PromptDraws(
      CanonicalShards prompts,
      Optional<Curriculum> curriculum,
      int promptsPerPhase,
      Collective collective) {
    this.prompts = prompts;
    this.curriculum = curriculum;
    this.promptsPerPhase = promptsPerPhase;
    this.collective = collective;
  }

  /** How many batches of all ranks were read so far. */
  long batchesRead() {
    return batchesRead;
  }

  /** Goes to where so many batches are read. Called once, before the first draw. */
  void goTo(long batches) {
    batchesRead = batches;
    reader = prompts.reader(collective.rank(), collective.worldSize(), batches);
  }

  /**
   * Prompts of this rank.
   *
   * @param keys of each prompt its place in the run's stream: no other prompt of the run has it, at
   *     any world size
   */
  record Draw(List<TokenizedRow> prompts, long[] keys) {}

  /** The prompts of the next batch. */
  Draw next() {
    List<TokenizedRow> rows = reader.next();
    GatheredRows indexes =
        GatheredRows.over(
            collective, 1, rows.stream().map(row -> new double[] {row.index()}).toList());
    long firstKey = batchesRead * prompts.plan().globalBatchSize() + indexes.first();
    batchesRead++;
    int[] chosen =
        curriculum.map(learned -> choose(learned, indexes, rows.size())).orElse(all(rows.size()));
    return new Draw(
        Arrays.stream(chosen).mapToObj(rows::get).toList(),
        Arrays.stream(chosen).mapToLong(at -> firstKey + at).toArray());
  }

  /** Places of the chosen prompts among this rank's {@code own}. */
  private int[] choose(Curriculum measured, GatheredRows indexes, int own) {
    long[] pool = indexes.rows().stream().mapToLong(row -> (long) row[0]).toArray();
    return Arrays.stream(measured.choose(pool, promptsPerPhase))
        .map(at -> at - indexes.first())
        .filter(at -> at >= 0 && at < own)
        .sorted()
        .toArray();
  }

  private static int[] all(int size) {
    int[] places = new int[size];
    Arrays.setAll(places, i -> i);
    return places;
  }

  @Override
  public void close() {
    if (reader != null) {
      reader.close();
    }
  }
}
