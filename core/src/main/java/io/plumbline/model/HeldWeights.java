package io.plumbline.model;

import io.plumbline.checkpoint.Adapter;
import io.plumbline.checkpoint.AdapterConfig;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.ModelDirectoryWriter;
import io.plumbline.checkpoint.WeightFormat;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.model.architecture.DecoderConfig.Head;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.HeldDtype;
import io.plumbline.tensor.Segment;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** A decoder over weights in memory: its own, or an adapter's over those of another model. */
final class HeldWeights implements AutoCloseable {
  private final Head head;
  private final Purpose purpose;

  /** All weights of the model, or of the one below an adapter. */
  private final WholeWeights whole;

  private final Optional<AdapterWeights> adapter;
  private final Decoder decoder;

  private HeldWeights(
      DecoderConfig config,
      Head head,
      ComputeDtype dtype,
      Purpose purpose,
      WholeWeights whole,
      Optional<AdapterWeights> adapter) {
    this.head = head;
    this.purpose = purpose;
    this.whole = whole;
    this.adapter = adapter;
    try {
      this.decoder = new Decoder(config, head, dtype, purpose, whole, adapter);
    } catch (RuntimeException | Error e) {
      closeOwn();
      throw e;
    }
  }

  /**
   * Loads all weights of a model, to the device of this thread.
   *
   * @param prefix of the names of segments, which tells models apart that are trained together
   */
  static HeldWeights load(
      DecoderConfig config,
      Head head,
      ComputeDtype dtype,
      Purpose purpose,
      WeightSource source,
      String prefix) {
    List<Segment> segments = LoadedWeights.segments(config, head, source, purpose, prefix);
    return new HeldWeights(
        config,
        head,
        dtype,
        purpose,
        new WholeWeights(segments, source, HeldDtype.F32),
        Optional.empty());
  }

  /** Loads all weights of a model that is not trained, to the device of this thread. */
  static HeldWeights frozen(
      BaseStorage storage, Head head, ComputeDtype dtype, WeightSource source) {
    List<Segment> segments = LoadedWeights.frozen(storage, head, source);
    return new HeldWeights(
        storage.config(),
        head,
        dtype,
        Purpose.INFERENCE,
        new WholeWeights(segments, source, storage.matrices()),
        Optional.empty());
  }

  /**
   * These with a fresh adapter, which changes nothing yet and is all that is trained.
   *
   * @param prefix of the names of the adapter's segments
   * @param seed equal seeds give equal adapters, everywhere
   */
  HeldWeights adapted(AdapterConfig fresh, String prefix, long seed) {
    AdapterPlan plan = AdapterPlan.of(config(), head, fresh);
    BaseParameters below = new BaseParameters(config(), whole.source());
    return with(
        AdapterWeights.fresh(plan, Purpose.TRAINING, prefix, below, seed), Purpose.TRAINING);
  }

  /**
   * These with an adapter that was trained before.
   *
   * @param use whether the adapter is trained further
   */
  HeldWeights adapted(Adapter files, Purpose use, String prefix) {
    return adapted(files, use, prefix, Dropout.NONE);
  }

  /**
   * These with an adapter that is trained further, with its dropout.
   *
   * @param seed of the dropout
   */
  HeldWeights trainedFurther(Adapter files, String prefix, long seed) {
    return adapted(files, Purpose.TRAINING, prefix, new Dropout(files.config().dropout(), seed));
  }

  private HeldWeights adapted(Adapter files, Purpose use, String prefix, Dropout dropout) {
    AdapterPlan plan = AdapterPlan.of(config(), head, files);
    return with(AdapterWeights.read(plan, use, prefix, files, dropout), use);
  }

  private HeldWeights with(AdapterWeights weights, Purpose use) {
    return new HeldWeights(config(), head, decoder.dtype, use, whole, Optional.of(weights));
  }

  DecoderConfig config() {
    return decoder.config;
  }

  Decoder decoder() {
    return decoder;
  }

  /** In the order of the forward pass: what belongs to this model alone. */
  List<Segment> segments() {
    return adapter.map(AdapterWeights::segments).orElse(whole.segments());
  }

  /** Fails where there can be no gradients. */
  void checkTrainable() {
    if (purpose != Purpose.TRAINING) {
      throw new PlumblineException(
          ErrorCode.INTERNAL, "a model that was loaded for inference cannot be trained");
    }
  }

  /**
   * Writes the adapter as PEFT does, or a checkpoint of all weights.
   *
   * @param start where the model was loaded from
   * @param writer of all weights
   */
  void write(
      Storage storage,
      String path,
      ModelDirectory start,
      WeightFormat format,
      Supplier<ModelDirectoryWriter> writer) {
    if (adapter.isPresent()) {
      adapter.get().write(storage, path, start, format.dtype());
    } else {
      writer.get().withFormat(format).write(storage, path, LoadedWeights.tensors(whole.segments()));
    }
  }

  /** Frees what belongs to this model alone; buffers of it must not be touched after this. */
  @Override
  public void close() {
    decoder.close();
    closeOwn();
  }

  private void closeOwn() {
    adapter.ifPresentOrElse(AdapterWeights::close, whole::close);
  }
}
