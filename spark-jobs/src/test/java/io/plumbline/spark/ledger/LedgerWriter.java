package io.plumbline.spark.ledger;

import io.plumbline.collective.Collective;
import io.plumbline.collective.LocalRings;
import io.plumbline.rollout.ledger.Ledger;
import io.plumbline.rollout.ledger.LedgerRow;
import io.plumbline.rollout.ledger.LedgerRows;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A gang of two that writes step after step, to be killed. */
final class LedgerWriter {
  static final int ROWS = 240;

  private LedgerWriter() {}

  public static void main(String[] args) {
    Ledger ledger = Ledger.in(Storage.local(), args[0]);
    ExecutorService threads = Executors.newFixedThreadPool(2);
    for (Collective collective : LocalRings.create(2)) {
      threads.execute(
          () -> {
            for (long step = 1; ; step++) {
              ledger.write(step, rows(step, collective.rank()), collective);
            }
          });
    }
  }

  private static List<LedgerRow> rows(long step, int rank) {
    List<LedgerRow> rows = new ArrayList<>();
    for (int i = 0; i < ROWS / 2; i++) {
      rows.add(LedgerRows.row(step, rank, 2 * i + rank, 0, "Say " + i, "Well " + step * i, 200, 1));
    }
    return rows;
  }
}
