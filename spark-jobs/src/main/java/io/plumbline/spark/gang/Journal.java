package io.plumbline.spark.gang;

/** What the driver knows of a gang's work, and hears of its course. */
public interface Journal {
  /** Knows of no progress and hears nothing. */
  Journal NONE =
      new Journal() {
        @Override
        public long kept() {
          return 0;
        }

        @Override
        public boolean isUnfinished(String result) {
          return false;
        }

        @Override
        public void startsAgain(Restart restart) {}

        @Override
        public void note(String sentence) {}
      };

  /**
   * Another attempt.
   *
   * @param attempt 2 for the first restart
   * @param ranks of which it consists
   * @param kept where it begins, as {@link Journal#kept} says it
   * @param cause why there is another, as a sentence
   */
  record Restart(int attempt, int ranks, long kept, String cause) {}

  /** How far the work is kept from which another attempt would begin; more is further. */
  long kept();

  /** Whether a result is that of a gang that was asked to stop before the end of its work. */
  boolean isUnfinished(String result);

  /** Hears of an attempt before it begins. */
  void startsAgain(Restart restart);

  /** Hears a sentence for the user. */
  void note(String sentence);
}
