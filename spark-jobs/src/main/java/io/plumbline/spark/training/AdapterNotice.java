package io.plumbline.spark.training;

import io.plumbline.checkpoint.Adapter;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.model.LoraSettings;
import java.util.Locale;
import java.util.Optional;

/** What a run says of its adapter. */
final class AdapterNotice {
  private AdapterNotice() {}

  /** What is trained, where that may not be what somebody expects. */
  static Optional<String> of(TrainingRequest request, ModelDirectory model) {
    LoraSettings lora = request.lora();
    if (!lora.trainsAdapter()) {
      return model
          .adapter()
          .map(
              adapter ->
                  "%s is an adapter of %s: all weights of the two merged are trained. To go on with the adapter itself, give --model %s --adapter %s."
                      .formatted(
                          adapter.path(),
                          model.base().path(),
                          model.base().path(),
                          adapter.path()));
    }
    // A model with an adapter beside which another would begin was refused before.
    Optional<Adapter> earlier = model.adapter();
    long parameters =
        earlier
            .map(Adapter::parameters)
            .orElseGet(() -> request.algorithm().modelUse().check(model, lora));
    double dropout =
        lora.dropout() > 0 ? 0 : earlier.map(adapter -> adapter.config().dropout()).orElse(0.0);
    return Optional.of(
        String.format(
            Locale.ROOT,
            "An adapter with %,d parameters is trained; the %,d of the model stay as they are.%s",
            parameters,
            model.base().parameters(),
            dropout > 0
                ? " Its dropout of "
                    + dropout
                    + " is not applied: --lora-dropout "
                    + dropout
                    + " would do so."
                : ""));
  }
}
