package io.plumbline.model;

import io.plumbline.checkpoint.Adapter;
import io.plumbline.checkpoint.AdapterConfig;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.model.architecture.DecoderConfig.Head;
import io.plumbline.model.architecture.DecoderConfig.ParameterShape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Which parameters an adapter has on a model: matrices beside the linear modules of layers, and
 * copies of what is trained whole.
 *
 * @param modules in the order of layers
 * @param parts in the order of the forward pass
 * @param transposed whether the model's matrices are [inputs, outputs]
 * @param head the family's name of the weight that predicts tokens
 */
record AdapterPlan(
    AdapterConfig config, List<Module> modules, List<Part> parts, boolean transposed, String head) {
  /**
   * A linear module with an adapter.
   *
   * @param name in the model: model.layers.0.self_attn.q_proj
   * @param nameInLayer self_attn.q_proj
   * @param scale what multiplies B A
   */
  record Module(
      String name,
      String nameInLayer,
      int layer,
      long inputs,
      long outputs,
      int rank,
      double scale) {}

  /**
   * What becomes one segment.
   *
   * @param layer the number of its layer; -1 before the first, and the number of layers behind the
   *     last
   * @param parameters by PEFT's names
   */
  record Part(String name, int layer, List<ParameterShape> parameters) {}

  private static final String HEAD = "lm_head.weight";

  /**
   * The plan of a new adapter.
   *
   * @throws PlumblineException BAD_USAGE where a name is that of no module
   */
  static AdapterPlan of(DecoderConfig model, Head head, AdapterConfig config) {
    List<ParameterShape> whole = new ArrayList<>();
    for (String name : config.saved()) {
      List<ParameterShape> found =
          parameters(model, head).stream()
              .filter(p -> moduleOf(peftName(model, p.name())).endsWith(name))
              .toList();
      whole.addAll(found);
      // PEFT names the heads of all families of classifiers.
      if (found.isEmpty() && config.task() == AdapterConfig.Task.CAUSAL_LM) {
        throw unknown("to be trained whole", name, names(model, head, m -> true));
      }
    }
    requireNoExperts(model, config);
    Set<String> linear = new TreeSet<>();
    linear(model).forEach(module -> linear.add(module.name()));
    for (String name : config.named()) {
      if (linear.stream().noneMatch(module -> AdapterConfig.isNamed(module, name))) {
        throw unknown("for adapters", name, names(model, head, linear::contains));
      }
    }
    AdapterPlan plan = of(model, config, config::adapts, whole);
    if (plan.modules().isEmpty()) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "No module of the model is to have an adapter; its modules are "
              + names(model, head, linear::contains)
              + ".");
    }
    return plan;
  }

  /**
   * The plan of an adapter in files.
   *
   * @throws PlumblineException BAD_CHECKPOINT where it is none of this model's
   */
  static AdapterPlan of(DecoderConfig model, Head head, Adapter files) {
    List<ParameterShape> whole =
        parameters(model, head).stream()
            .filter(p -> files.saved().contains(peftName(model, p.name())))
            .toList();
    AdapterPlan plan = of(model, files.config(), files.modules()::contains, whole);
    Set<String> strange = new TreeSet<>(files.modules());
    plan.modules().forEach(module -> strange.remove(module.name()));
    Set<String> others = new TreeSet<>(files.saved());
    whole.forEach(parameter -> others.remove(peftName(model, parameter.name())));
    strange.addAll(others);
    if (!strange.isEmpty()) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          files.path()
              + " adapts "
              + strange.iterator().next()
              + ", which is no linear module of this model's layers: train on from the merged model"
              + " (plumbline merge).");
    }
    for (Part part : plan.parts()) {
      for (ParameterShape parameter : part.parameters()) {
        long[] stored = files.shape(parameter.name());
        if (!Arrays.equals(stored, parameter.shape())) {
          throw new PlumblineException(
              ErrorCode.BAD_CHECKPOINT,
              "%s has %s in the shape %s, and the model asks for %s: name the model that it was trained on."
                  .formatted(
                      files.path(),
                      parameter.name(),
                      Arrays.toString(stored),
                      Arrays.toString(parameter.shape())));
        }
      }
    }
    return plan;
  }

  private static AdapterPlan of(
      DecoderConfig model,
      AdapterConfig config,
      Predicate<String> adapted,
      List<ParameterShape> whole) {
    requireTrainable(model, whole);
    boolean transposed = model.kernels().transposed();
    AdapterConfig written = config.transposed(transposed);
    List<Module> modules = new ArrayList<>();
    for (Module module : linear(model)) {
      if (adapted.test(module.name())) {
        int rank = config.rank(module.name());
        modules.add(
            new Module(
                module.name(),
                module.nameInLayer(),
                module.layer(),
                module.inputs(),
                module.outputs(),
                rank,
                config.scale(module.name(), rank)));
      }
    }
    List<Part> parts = new ArrayList<>();
    for (int layer = -1; layer <= model.layers(); layer++) {
      List<ParameterShape> parameters = new ArrayList<>();
      for (Module module : modules) {
        if (module.layer() == layer) {
          add(parameters, module, config.weightDecomposed());
        }
      }
      for (ParameterShape one : whole) {
        if (layerOf(model, one) == layer) {
          parameters.add(
              new ParameterShape(Adapter.PREFIX + peftName(model, one.name()), one.shape()));
        }
      }
      if (!parameters.isEmpty()) {
        String name = layer < 0 ? "embedding" : layer < model.layers() ? "layer " + layer : "head";
        parts.add(new Part("adapter " + name, layer, List.copyOf(parameters)));
      }
    }
    return new AdapterPlan(
        written, List.copyOf(modules), List.copyOf(parts), transposed, model.names().head());
  }

  private static void add(List<ParameterShape> parameters, Module module, boolean decomposed) {
    long[] a = {module.rank(), module.inputs()};
    long[] b = {module.outputs(), module.rank()};
    parameters.add(new ParameterShape(Adapter.Part.A.tensor(module.name()), a));
    parameters.add(new ParameterShape(Adapter.Part.B.tensor(module.name()), b));
    if (decomposed) {
      long[] lengths = {module.outputs()};
      parameters.add(new ParameterShape(Adapter.Part.MAGNITUDE.tensor(module.name()), lengths));
    }
  }

  boolean weightDecomposed() {
    return config.weightDecomposed();
  }

  /**
   * What PEFT is to read of it: names of modules instead of "all-linear", which PEFT would apply to
   * other modules of a model with a head of its own.
   */
  AdapterConfig written() {
    if (!config.isAllLinear()) {
      return config;
    }
    return config.ofModules(
        modules.stream()
            .map(module -> module.nameInLayer().replaceFirst(".*\\.", ""))
            .distinct()
            .toList());
  }

  /** All linear modules of layers, with no adapter yet. */
  private static List<Module> linear(DecoderConfig model) {
    List<Module> modules = new ArrayList<>();
    boolean transposed = model.kernels().transposed();
    for (int layer = 0; layer < model.layers(); layer++) {
      for (ParameterShape parameter : model.layerShapes().get(layer)) {
        if (parameter.shape().length == 2 && !isOfExperts(parameter.name())) {
          String own = moduleOf(parameter.name());
          long inputs = parameter.shape()[transposed ? 0 : 1];
          long outputs = parameter.shape()[transposed ? 1 : 0];
          String name = model.names().layers() + layer + "." + own;
          modules.add(new Module(name, own, layer, inputs, outputs, 0, 0));
        }
      }
    }
    return modules;
  }

  /**
   * PEFT 0.21 adapts experts by target_parameters, all of a layer in one pair of matrices, and so
   * it reads "all-linear" and the names that experts have.
   */
  private static void requireNoExperts(DecoderConfig model, AdapterConfig config) {
    for (int layer = 0; layer < model.layers(); layer++) {
      for (ParameterShape parameter : model.layerShapes().get(layer)) {
        String module = model.names().layers() + layer + "." + moduleOf(parameter.name());
        if (isOfExperts(parameter.name()) && config.adapts(module)) {
          throw new PlumblineException(
              ErrorCode.BAD_USAGE,
              module
                  + " would have an adapter, and neither experts nor what chooses them can have one:"
                  + " name others by --lora-target-modules, such as q_proj,k_proj,v_proj,o_proj.");
        }
      }
    }
  }

  /** An expert's parameter or the router's, by its name in a layer. */
  private static boolean isOfExperts(String parameter) {
    return parameter.startsWith("mlp.experts.") || parameter.equals(DecoderConfig.ROUTER);
  }

  private static List<ParameterShape> parameters(DecoderConfig model, Head head) {
    List<ParameterShape> all = new ArrayList<>();
    model.segmentShapes(head).forEach(segment -> all.addAll(segment.parameters()));
    if (head == Head.TOKENS && model.tiedEmbeddings()) {
      all.add(
          new ParameterShape(
              model.names().head(), new long[] {model.vocabSize(), model.hiddenSize()}));
    }
    return all;
  }

  private static String moduleOf(String parameter) {
    return parameter.substring(0, parameter.lastIndexOf('.'));
  }

  /** In memory transformers 5 calls the head of every family so, and PEFT names what is there. */
  private static String peftName(DecoderConfig model, String parameter) {
    return parameter.equals(model.names().head()) ? HEAD : parameter;
  }

  /** A parameter that is trained whole, by PEFT's name. */
  String stored(String parameter) {
    return Adapter.PREFIX + (parameter.equals(head) ? HEAD : parameter);
  }

  /** The family's name of a parameter, by PEFT's. */
  String own(String stored) {
    String name = stored.substring(Adapter.PREFIX.length());
    return name.equals(HEAD) ? head : name;
  }

  private static int layerOf(DecoderConfig model, ParameterShape parameter) {
    String name = parameter.name();
    if (name.equals(model.names().embedding()) || name.equals(model.names().positions())) {
      return -1;
    }
    String layers = model.names().layers();
    return name.startsWith(layers)
        ? Integer.parseInt(name.substring(layers.length()).replaceFirst("\\..*", ""))
        : model.layers();
  }

  private static void requireTrainable(DecoderConfig model, List<ParameterShape> whole) {
    Set<String> names = whole.stream().map(ParameterShape::name).collect(Collectors.toSet());
    for (ParameterShape parameter : whole) {
      boolean inLayer = parameter.name().startsWith(model.names().layers());
      if ((inLayer && parameter.shape().length == 2)
          || parameter.name().matches(".*_proj\\.bias")) {
        throw new PlumblineException(
            ErrorCode.BAD_USAGE,
            moduleOf(parameter.name())
                + " is a linear module of a layer, which cannot be trained whole beside adapters:"
                + " name it by --lora-target-modules.");
      }
    }
    boolean embedding = names.contains(model.names().embedding());
    if (embedding && model.learnedPositions() > 0) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "The embedding of " + model.family() + " cannot be trained whole beside adapters.");
    }
    if (embedding && model.tiedEmbeddings() && !names.contains(model.names().head())) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "The embedding is the head as well: train both whole, by --lora-modules-to-save "
              + moduleName(model.names().embedding())
              + ","
              + moduleName(model.names().head())
              + ".");
    }
  }

  private static String moduleName(String parameter) {
    return parameter.replaceFirst("\\.[^.]*$", "").replaceFirst(".*\\.", "");
  }

  private static String names(DecoderConfig model, Head head, Predicate<String> kept) {
    Optional<String> found =
        parameters(model, head).stream()
            .map(p -> moduleOf(peftName(model, p.name())))
            .filter(kept)
            .map(name -> name.replaceFirst(".*\\.", ""))
            .distinct()
            .reduce((one, other) -> one + ", " + other);
    return found.orElse("");
  }

  private static PlumblineException unknown(String what, String name, String names) {
    return new PlumblineException(
        ErrorCode.BAD_USAGE,
        "\""
            + name
            + "\" names a module "
            + what
            + ", and the model has none such; its modules are "
            + names
            + ".");
  }

  /** The parameters' number. */
  long parameters() {
    return parts.stream()
        .flatMap(part -> part.parameters().stream())
        .mapToLong(ParameterShape::elements)
        .sum();
  }
}
