package io.plumbline.spark.reference;

import io.plumbline.Fixtures;
import io.plumbline.Records;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** A program that fills a cache, to be killed. */
final class FillProcess {
  private static final int ROWS = 1200;

  private FillProcess() {}

  /** Always the same rows. */
  static List<TokenizedRow> rows() {
    Random random = new Random(7);
    List<TokenizedRow> rows = new ArrayList<>();
    for (int i = 0; i < ROWS; i++) {
      int[] prompt = random.ints(8, 0, 512).toArray();
      int[] completion = random.ints(4 + random.nextInt(12), 0, 512).toArray();
      rows.add(TokenizedRow.of(i, prompt, List.of(completion), List.of()));
    }
    return rows;
  }

  static Filled fill(String cache) {
    // A part a few rows, so that many files are written and there is time to be killed.
    ReferenceSettings settings =
        Records.with(ReferenceSettings.of(cache, ComputeDtype.F32), "rowsPerPart", 8)
            .withTokensPerBatch(256);
    return ReferenceCache.fill(
        LocalSpark.session(),
        Storage.local(),
        LocalSpark.context().parallelize(rows(), 4),
        Fixtures.golden("models/llama").toString(),
        settings,
        new RecordingListener());
  }

  public static void main(String[] args) {
    Filled filled = fill(args[0]);
    System.out.println(filled.summary());
  }
}
