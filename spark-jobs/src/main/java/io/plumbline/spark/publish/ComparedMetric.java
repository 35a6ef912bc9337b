package io.plumbline.spark.publish;

import java.util.Locale;

/** By which number of the held-out preferences two models are compared. More is better. */
public enum ComparedMetric {
  /** The share of pairs whose chosen side is preferred. */
  ACCURACY {
    @Override
    public double of(HeldOutScores scores) {
      return scores.accuracy();
    }
  },
  /** The mean margin of implicit rewards. It grows with the distance from the reference, too. */
  MARGIN {
    @Override
    public double of(HeldOutScores scores) {
      return scores.margin();
    }
  };

  public abstract double of(HeldOutScores scores);

  /** As it stands in options and files. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
