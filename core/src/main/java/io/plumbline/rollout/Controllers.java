package io.plumbline.rollout;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.advantage.Constraints;
import io.plumbline.advantage.KlController;
import java.util.Optional;

/**
 * What one phase measures and the next one follows.
 *
 * @param kl the coefficient of the distance to the reference
 * @param constraints costs under limits
 * @param curriculum chooses prompts; empty to take them as they come
 */
public record Controllers(
    KlController kl, Constraints constraints, Optional<Curriculum> curriculum) {

  /** Adds what {@link #restore} needs. */
  void save(ObjectNode state) {
    state.set("kl", kl.state());
    state.set("constraints", constraints.state());
    curriculum.ifPresent(measured -> state.set("curriculum", measured.state()));
  }

  void restore(ObjectNode state) {
    kl.restore((ObjectNode) state.get("kl"));
    constraints.restore((ObjectNode) state.get("constraints"));
    curriculum.ifPresent(measured -> measured.restore((ObjectNode) state.get("curriculum")));
  }
}
