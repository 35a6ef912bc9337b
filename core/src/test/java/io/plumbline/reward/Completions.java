package io.plumbline.reward;

import io.plumbline.model.Generation.Finish;
import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Map;

/** Completions that the tests of this package share. */
public final class Completions {
  private Completions() {}

  public static Completion of(String text) {
    return of(Map.of("prompt", "How many?"), text);
  }

  /** A token a character. */
  public static Completion of(Map<String, Object> row, String text) {
    return new Completion(
        row, "How many?", new int[] {1, 2}, text, text.chars().toArray(), Finish.EOS);
  }

  public static Completion answering(Object answer, String text) {
    return of(Map.of("prompt", "How many?", "answer", answer), text);
  }

  static Completion ofTokens(int... tokens) {
    return new Completion(Map.of(), "", new int[0], "", tokens, Finish.EOS);
  }

  /** What one function says of one completion. */
  public static Reward reward(String spec, Completion completion) {
    try (RewardFunction function = RewardKinds.make(RewardSpec.parse(spec), Storage.local())) {
      return function.score(List.of(completion)).get(0);
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  public static double value(String spec, Completion completion) {
    return reward(spec, completion).value().orElse(Double.NaN);
  }
}
