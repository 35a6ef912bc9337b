package io.plumbline.mine;

import java.util.List;
import java.util.Optional;

/**
 * What a strategy takes of one prompt.
 *
 * @param skip why it takes nothing; empty where it takes something
 */
public record Selection(List<Choice> choices, Optional<Skip> skip) {
  public Selection {
    choices = List.copyOf(choices);
    if (choices.isEmpty() == skip.isEmpty()) {
      throw new IllegalArgumentException("either choices or a reason why there are none");
    }
  }

  /** Nothing, for a reason. */
  public static Selection none(Skip why) {
    return new Selection(List.of(), Optional.of(why));
  }

  static Selection of(List<Choice> choices, Skip otherwise) {
    return choices.isEmpty() ? none(otherwise) : new Selection(choices, Optional.empty());
  }
}
