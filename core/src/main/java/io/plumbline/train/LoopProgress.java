package io.plumbline.train;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** What a training state holds besides weights and moments. */
final class LoopProgress {
  long tokens;
  long updates;
  long badSteps;
  int badStepsInARow;
  long bestStep;
  double best = Double.NaN;
  int evaluationsSinceBest;
  boolean stoppedEarly;

  ObjectNode json(long step, int worldSize) {
    ObjectNode state = JsonNodeFactory.instance.objectNode();
    state.put("step", step);
    state.put("num_tokens", tokens);
    state.put("world_size", worldSize);
    state.put("updates", updates);
    state.put("bad_steps", badSteps);
    state.put("bad_steps_in_a_row", badStepsInARow);
    state.put("best_step", bestStep);
    if (bestStep > 0) {
      state.put("best", best);
    }
    state.put("evaluations_since_best", evaluationsSinceBest);
    state.put("stopped_early", stoppedEarly);
    return state;
  }

  void restore(ObjectNode state) {
    tokens = state.get("num_tokens").asLong();
    updates = state.path("updates").asLong(state.get("step").asLong());
    badSteps = state.path("bad_steps").asLong();
    badStepsInARow = state.path("bad_steps_in_a_row").asInt();
    bestStep = state.path("best_step").asLong();
    best = state.path("best").asDouble(Double.NaN);
    evaluationsSinceBest = state.path("evaluations_since_best").asInt();
    stoppedEarly = state.path("stopped_early").asBoolean();
  }
}
