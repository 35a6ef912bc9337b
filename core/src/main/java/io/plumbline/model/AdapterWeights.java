package io.plumbline.model;

import io.plumbline.base.Floats;
import io.plumbline.checkpoint.Adapter;
import io.plumbline.checkpoint.Adapter.Part;
import io.plumbline.checkpoint.AdapterWriter;
import io.plumbline.checkpoint.Dtype;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.architecture.DecoderConfig.ParameterShape;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.Scope;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Segment.Gradients;
import io.plumbline.tensor.Segment.Slice;
import io.plumbline.tensor.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * The weights of a LoRA adapter in memory: of each layer the matrices of its modules in one
 * segment, and copies of what is trained whole. Parameters have PEFT's names.
 */
final class AdapterWeights implements AutoCloseable {
  /** A parameter of an adapter, as the kernels take it. */
  record View(Segment segment, Slice slice) {
    Value value() {
      return segment.view(slice.offset(), slice.shape());
    }

    Value gradient() {
      return segment.gradientView(slice.offset(), slice.shape());
    }
  }

  private final AdapterPlan plan;
  private final Dropout dropout;
  private final Scope scope;
  private final List<Segment> segments = new ArrayList<>();

  /** By PEFT's name. */
  private final Map<String, View> views = new LinkedHashMap<>();

  private AdapterWeights(AdapterPlan plan, Purpose purpose, String prefix, Dropout dropout) {
    this.plan = plan;
    this.dropout = dropout;
    this.scope = Scope.on(Device.ofThread());
    try {
      for (AdapterPlan.Part part : plan.parts()) {
        Segment segment =
            Segment.allocate(
                prefix + part.name(),
                part.parameters().stream().map(ParameterShape::name).toList(),
                part.parameters().stream().map(ParameterShape::shape).toList(),
                purpose == Purpose.TRAINING ? Gradients.PRESENT : Gradients.NONE,
                Device.ofThread());
        segments.add(segment);
        segment.slices().forEach(slice -> views.put(slice.name(), new View(segment, slice)));
      }
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /**
   * An adapter that changes nothing yet: A is uniform within 1/√inputs, B is 0 (PEFT's {@code
   * reset_lora_parameters}), rows have the lengths that they have, and what is trained whole is as
   * it is in the base.
   *
   * @param base the frozen model's parameters
   * @param seed equal seeds give equal matrices, everywhere
   */
  static AdapterWeights fresh(
      AdapterPlan plan, Purpose purpose, String prefix, BaseParameters base, long seed) {
    return filled(
        new AdapterWeights(plan, purpose, prefix, new Dropout(plan.config().dropout(), seed)),
        (name, target) -> AdapterStart.fill(plan, name, target, base, seed));
  }

  /**
   * An adapter with the weights of files.
   *
   * @param dropout while it is trained
   */
  static AdapterWeights read(
      AdapterPlan plan, Purpose purpose, String prefix, Adapter files, Dropout dropout) {
    return filled(
        new AdapterWeights(plan, purpose, prefix, dropout),
        (name, target) -> target.visit((from, piece) -> files.read(name, from, piece)));
  }

  private static AdapterWeights filled(AdapterWeights weights, BiConsumer<String, Floats> writer) {
    try {
      for (Segment segment : weights.segments) {
        segment.fillValues(
            values -> {
              for (Slice slice : segment.slices()) {
                writer.accept(slice.name(), values.slice(slice.offset(), slice.length()));
              }
            });
      }
      return weights;
    } catch (RuntimeException | Error e) {
      weights.close();
      throw e;
    }
  }

  AdapterPlan plan() {
    return plan;
  }

  /** Of what its modules read, while they are trained. */
  Dropout dropout() {
    return dropout;
  }

  /** In the order of the forward pass. */
  List<Segment> segments() {
    return List.copyOf(segments);
  }

  /** A parameter of the model that is trained whole, by its own name. */
  Optional<View> whole(String parameter) {
    return Optional.ofNullable(views.get(plan.stored(parameter)));
  }

  /**
   * The segment of a layer.
   *
   * @param layer the number of the layer
   */
  Optional<Segment> ofLayer(int layer) {
    return plan.parts().stream()
        .filter(part -> part.layer() == layer)
        .findFirst()
        .map(part -> segments.get(plan.parts().indexOf(part)));
  }

  /** Puts a layer's matrices beside its weights, and their gradients beside those. */
  void addTo(int layer, Map<String, Value> values, Map<String, Value> gradients, boolean training) {
    for (AdapterPlan.Module module : plan.modules()) {
      if (module.layer() != layer) {
        continue;
      }
      String own = module.nameInLayer();
      float scale = (float) module.scale();
      values.put(own + ".lora_scale", scope.floats(new float[] {scale}));
      if (dropout.drops()) {
        values.put(own + ".lora_key", scope.longs(new long[] {Dropout.key(module.name())}, 1));
      }
      put(Part.A, ".lora_A", module, values, gradients, training);
      put(Part.B, ".lora_B", module, values, gradients, training);
      if (plan.weightDecomposed()) {
        put(Part.MAGNITUDE, ".lora_magnitude_vector", module, values, gradients, training);
      }
    }
  }

  private void put(
      Part part,
      String ending,
      AdapterPlan.Module module,
      Map<String, Value> values,
      Map<String, Value> gradients,
      boolean training) {
    View view = views.get(part.tensor(module.name()));
    values.put(module.nameInLayer() + ending, view.value());
    if (training) {
      gradients.put(module.nameInLayer() + ending, view.gradient());
    }
  }

  /**
   * Writes the adapter as PEFT's {@code save_pretrained} does, with the tokenizer of its model.
   *
   * @param start the model that it was trained on, or one with the adapter that it began as
   */
  void write(Storage storage, String path, ModelDirectory start, Dtype dtype) {
    AdapterWriter.write(
        storage, path, plan.written(), start, LoadedWeights.tensors(segments), dtype);
  }

  @Override
  public void close() {
    scope.close();
    segments.forEach(Segment::close);
  }
}
