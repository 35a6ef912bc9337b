package io.plumbline.mine;

import java.util.Optional;

/**
 * What becomes one row of data.
 *
 * @param rejected of a pair; empty for a completion to imitate
 */
public record Choice(Candidate chosen, Optional<Candidate> rejected) {
  static Choice pair(Candidate chosen, Candidate rejected) {
    return new Choice(chosen, Optional.of(rejected));
  }

  static Choice alone(Candidate chosen) {
    return new Choice(chosen, Optional.empty());
  }

  /** By how much the chosen completion is better; 0 where there is no other. */
  public double margin() {
    return rejected.map(other -> chosen.reward() - other.reward()).orElse(0.0);
  }
}
