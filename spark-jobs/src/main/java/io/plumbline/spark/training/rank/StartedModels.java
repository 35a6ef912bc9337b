package io.plumbline.spark.training.rank;

import io.plumbline.checkpoint.AdapterConfig.Task;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.LoraSettings;
import io.plumbline.model.ScoreModel;
import io.plumbline.spark.inference.SharedModels;
import io.plumbline.spark.inference.SharedModels.Lease;
import io.plumbline.storage.Storage;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A model that a rank trains, or holds its policy to. Frozen weights below adapters are shared by
 * the ranks of a process, and by a reference on the same weights.
 *
 * @param <M> the kind of model
 */
public final class StartedModels<M> implements AutoCloseable {
  private static final String CRITIC = "critic ";

  private final M model;
  private final Consumer<M> closing;
  private final Optional<Lease<M>> below;

  private StartedModels(M model, Consumer<M> closing, Optional<Lease<M>> below) {
    this.model = model;
    this.closing = closing;
    this.below = below;
  }

  /** The policy at the start of training. */
  static StartedModels<CausalLm> policy(
      Storage storage, ModelDirectory start, RankSettings settings) {
    LoraSettings lora = settings.lora();
    if (!lora.trainsAdapter()) {
      return alone(
          CausalLm.load(start, Purpose.TRAINING, settings.computeDtype()), CausalLm::close);
    }
    return over(
        base(storage, start, settings),
        base ->
            lora.continues()
                ? CausalLm.trainedFurther(
                    base,
                    start.adapter().orElseThrow().withDropout(lora.dropout()),
                    settings.seed())
                : CausalLm.adapted(base, lora.config(Task.CAUSAL_LM), settings.seed()),
        CausalLm::close);
  }

  /** The policy as it is at the start, for inference: with the adapter that it goes on with. */
  public static StartedModels<CausalLm> reference(
      Storage storage, ModelDirectory start, RankSettings settings) {
    if (!settings.lora().continues()) {
      Lease<CausalLm> lease = base(storage, start, settings);
      return new StartedModels<>(lease.model(), shared -> {}, Optional.of(lease));
    }
    return over(
        base(storage, start, settings),
        base -> CausalLm.adapted(base, start.adapter().orElseThrow(), Purpose.INFERENCE),
        CausalLm::close);
  }

  private static Lease<CausalLm> base(
      Storage storage, ModelDirectory start, RankSettings settings) {
    ModelDirectory base = settings.lora().continues() ? start.base() : start;
    return SharedModels.LANGUAGE_MODELS.acquire(
        storage,
        base.path(),
        base.fingerprint(),
        settings.computeDtype(),
        settings.lora().baseDtype(),
        0);
  }

  /** A reward model at the start of training. */
  static StartedModels<ScoreModel> scorer(
      Storage storage, ModelDirectory start, RankSettings settings) {
    return settings.lora().trainsAdapter()
        ? adapted(storage, start, settings, "")
        : alone(
            ScoreModel.load(start, Purpose.TRAINING, settings.computeDtype(), settings.seed()),
            ScoreModel::close);
  }

  /**
   * A critic at the start of training. Beside a policy that trains an adapter it trains one too:
   * its own, where it has one.
   */
  public static StartedModels<ScoreModel> critic(
      Storage storage, ModelDirectory start, RankSettings settings) {
    return settings.lora().trainsAdapter()
        ? adapted(storage, start, settings, CRITIC)
        : alone(
            ScoreModel.critic(start, Purpose.TRAINING, settings.computeDtype(), settings.seed()),
            ScoreModel::close);
  }

  private static StartedModels<ScoreModel> adapted(
      Storage storage, ModelDirectory start, RankSettings settings, String prefix) {
    ModelDirectory base = start.base();
    Lease<ScoreModel> lease =
        SharedModels.SCORED_BASES.acquire(
            storage,
            base.path(),
            base.fingerprint(),
            settings.computeDtype(),
            settings.lora().baseDtype(),
            settings.seed());
    return over(
        lease,
        below ->
            start.adapter().isPresent()
                ? ScoreModel.trainedFurther(
                    below,
                    start.adapter().get().withDropout(settings.lora().dropout()),
                    prefix,
                    settings.seed())
                : ScoreModel.adapted(
                    below, settings.lora().config(Task.SEQ_CLS), prefix, settings.seed()),
        ScoreModel::close);
  }

  private static <M> StartedModels<M> alone(M model, Consumer<M> closing) {
    return new StartedModels<>(model, closing, Optional.empty());
  }

  private static <M> StartedModels<M> over(
      Lease<M> below, Function<M, M> adapting, Consumer<M> closing) {
    try {
      return new StartedModels<>(adapting.apply(below.model()), closing, Optional.of(below));
    } catch (RuntimeException | Error e) {
      below.close();
      throw e;
    }
  }

  public M model() {
    return model;
  }

  @Override
  public void close() {
    closing.accept(model);
    below.ifPresent(Lease::close);
  }
}
