package io.plumbline.model;

import io.plumbline.checkpoint.AdapterConfig;
import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import io.plumbline.settings.PartlyUsed;
import io.plumbline.tensor.HeldDtype;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Whether an adapter is trained in place of all weights, and which: LoRA (Hu et al., 2021), by
 * PEFT's and TRL's names.
 *
 * @param rank of the matrices A and B; 0 to train all weights, or the adapter that is named
 * @param alpha over the rank, what multiplies their product
 * @param dropout the share of an adapter's inputs that is left out at random while it is trained
 * @param targetModules names or a pattern of modules with an adapter
 * @param modulesToSave names of modules that are trained whole
 * @param baseDtype the type in which the frozen weights are held
 * @param adapter the directory of an adapter that is trained further; empty for none
 */
@Heading("LoRA")
public record LoraSettings(
    @Option(
            name = "lora-r",
            help =
                "Trains an adapter of this rank on frozen weights, and writes it as PEFT does; 0 for"
                    + " all weights.",
            standard = "0",
            min = 0,
            neutral = "0")
        int rank,
    @Option(
            name = "lora-alpha",
            help = "The adapter's output is multiplied by this over the rank.",
            standard = "32",
            positive = true,
            follows = "lora-r")
        double alpha,
    @Option(
            name = "lora-dropout",
            help =
                "Leaves out this share of an adapter's inputs while it is trained, at random."
                    + " (TRL's commands: 0.05.)",
            standard = "0",
            min = 0,
            max = 0.99,
            neutral = "0",
            follows = {"lora-r", "adapter"})
        double dropout,
    @Option(
            name = "lora-target-modules",
            label = "NAME,...",
            help =
                "Modules with an adapter, by the ends of their names, as in q_proj,v_proj; or a"
                    + " regular expression for whole names; or all-linear. (PEFT: its own choice for"
                    + " each family.)",
            standard = AdapterConfig.ALL_LINEAR,
            words = AdapterConfig.ALL_LINEAR,
            commas = true,
            follows = "lora-r")
        List<String> targetModules,
    @Option(
            name = "lora-modules-to-save",
            label = "NAME,...",
            help = "Modules that are trained whole beside adapters, such as lm_head.",
            commas = true,
            follows = "lora-r")
        List<String> modulesToSave,
    @Option(
            name = "use-rslora",
            help = "Divides --lora-alpha by the root of the rank (rsLoRA).",
            neutral = "false",
            follows = "lora-r")
        boolean rankStabilized,
    @Option(
            name = "use-dora",
            help = "Learns the length of each row apart from its direction (DoRA).",
            neutral = "false",
            follows = "lora-r")
        boolean weightDecomposed,
    @Option(
            help =
                "In which type the frozen weights are held. int8 has a scale for each 64 values of a"
                    + " row; embedding and head are bf16 then.",
            standard = "f32",
            neutral = "f32",
            follows = "lora-r")
        HeldDtype baseDtype,
    @Option(
            label = "DIR",
            help = "Goes on training the adapter in a directory of PEFT's, on --model.",
            decidesNothing = "may lie elsewhere: its content is compared")
        String adapter)
    implements PartlyUsed, Serializable {
  /** All weights are trained. */
  public static final LoraSettings NONE =
      new LoraSettings(
          0, 32, 0, List.of(AdapterConfig.ALL_LINEAR), List.of(), false, false, HeldDtype.F32, "");

  private static final List<String> OF_NEW_ADAPTERS =
      List.of(
          "lora-alpha", "lora-target-modules", "lora-modules-to-save", "use-rslora", "use-dora");

  public LoraSettings {
    // Lists that every Java serializes.
    targetModules = List.copyOf(targetModules);
    modulesToSave = List.copyOf(modulesToSave);
  }

  /** Whether an adapter is trained, a new one or an earlier one. */
  public boolean trainsAdapter() {
    return rank > 0 || continues();
  }

  /** Whether an earlier adapter is trained further. */
  public boolean continues() {
    return !adapter.isEmpty();
  }

  /** What PEFT calls these settings. */
  public AdapterConfig config(AdapterConfig.Task task) {
    List<String> whole = new ArrayList<>(modulesToSave);
    if (task == AdapterConfig.Task.SEQ_CLS && !whole.contains("score")) {
      whole.add("score");
    }
    return AdapterConfig.lora(rank, alpha, dropout, targetModules, whole, task)
        .rankStabilized(rankStabilized)
        .weightDecomposed(weightDecomposed);
  }

  /** Options that do nothing beside the others, and what they need. */
  public Map<String, String> missing() {
    Map<String, String> missing = new TreeMap<>();
    if (rank == 0) {
      OF_NEW_ADAPTERS.forEach(option -> missing.put(option, "--lora-r"));
    }
    if (!trainsAdapter()) {
      missing.put("base-dtype", "--lora-r or --adapter");
      missing.put("lora-dropout", "--lora-r or --adapter");
    }
    return missing;
  }

  @Override
  public Set<String> unused() {
    return missing().keySet();
  }
}
