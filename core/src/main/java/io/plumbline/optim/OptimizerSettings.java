package io.plumbline.optim;

import io.plumbline.settings.DeclaredOption;
import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import io.plumbline.settings.PartlyUsed;
import io.plumbline.settings.SettingsOf;
import io.plumbline.settings.Texts;
import java.io.Serializable;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Settings of the optimizer and of what stands around it.
 *
 * @param learningRate the peak, after warm-up
 * @param weightDecay decay of parameters with two or more dimensions; norms and biases have none,
 *     as in Hugging Face's Trainer
 * @param maxGradNorm gradients are scaled down to this global L2 norm; infinity for no clipping
 * @param muonMomentum how much of Muon's mean of gradients stays in a step
 */
@Heading("Optimizer")
public record OptimizerSettings(
    @Option(
            help =
                "What turns gradients into new weights; docs/optimizers.md says which one when, and"
                    + " what memory each takes.",
            standard = "adamw",
            neutral = "adamw")
        OptimizerChoice optim,
    @Option(help = "Its peak, after the warm-up.", standard = "1e-6", min = 0) double learningRate,
    @Option(
            name = "lr-scheduler",
            help = "How the learning rate falls after the warm-up.",
            standard = "linear")
        Schedule schedule,
    @Option(help = "Steps over which it climbs from 0.", standard = "0", min = 0, neutral = "0")
        long warmupSteps,
    @Option(
            help = "Decay of weights, decoupled but with sgd; norms and biases have none.",
            standard = "0",
            min = 0,
            neutral = "0")
        double weightDecay,
    @Option(
            help = "Gradients are scaled down to this global norm.",
            standard = "1.0",
            min = 0,
            orNone = true,
            neutral = "none")
        double maxGradNorm,
    OfAdamW adamW,
    OfSgd sgd,
    @Option(
            help = "How much of muon's mean of gradients stays in a step.",
            standard = "0.95",
            min = 0,
            max = 1,
            follows = "optim")
        double muonMomentum)
    implements PartlyUsed, Serializable {

  /** In which type a moment is kept from step to step. */
  public enum MomentDtype {
    F32,
    BF16
  }

  /**
   * Settings of AdamW.
   *
   * @param beta1 how much of the mean of gradients stays in a step
   * @param beta2 how much of the mean of their squares stays
   * @param epsilon added to the denominator
   * @param moments what both means are kept in
   */
  @Heading("Optimizer")
  public record OfAdamW(
      @Option(
              name = "adam-beta1",
              help = "AdamW's decay of the mean.",
              standard = "0.9",
              min = 0,
              max = 1,
              follows = "optim")
          double beta1,
      @Option(
              name = "adam-beta2",
              help = "AdamW's decay of the variance.",
              standard = "0.999",
              min = 0,
              max = 1,
              follows = "optim")
          double beta2,
      @Option(
              name = "adam-epsilon",
              help = "Added to AdamW's denominator.",
              standard = "1e-8",
              min = 0,
              follows = "optim")
          double epsilon,
      @Option(
              name = "adam-moments-dtype",
              help =
                  "Type in which AdamW keeps mean and variance; bf16 takes 4 bytes a parameter in"
                      + " place of 8, rounded at random.",
              standard = "f32",
              neutral = "f32",
              follows = "optim")
          MomentDtype moments)
      implements Serializable {}

  /**
   * Settings of stochastic gradient descent.
   *
   * @param momentum how much of the sum of gradients stays in a step; 0 to keep none
   * @param nesterov whether the update looks a step ahead
   */
  @Heading("Optimizer")
  public record OfSgd(
      @Option(
              name = "sgd-momentum",
              help = "How much of sgd's sum of gradients stays in a step.",
              standard = "0",
              min = 0,
              max = 1,
              follows = "optim")
          double momentum,
      @Option(
              name = "sgd-nesterov",
              help = "Nesterov's momentum for sgd.",
              neutral = "false",
              follows = "optim")
          boolean nesterov)
      implements Serializable {}

  /** What an option that does nothing would need beside it, by option: a part of a sentence. */
  public Map<String, String> missing() {
    Map<String, String> missing = new LinkedHashMap<>();
    for (DeclaredOption option : SettingsOf.type(OptimizerSettings.class).options()) {
      String name = option.name();
      if (List.of(option.declaration().follows()).contains("optim") && !optim.reads(name)) {
        missing.put(
            name,
            Stream.of(OptimizerChoice.values())
                .filter(choice -> choice.reads(name))
                .map(Texts::word)
                .collect(Collectors.joining(" or ", "--optim ", "")));
      }
    }
    if (sgd.momentum() == 0) {
      missing.putIfAbsent("sgd-nesterov", "--sgd-momentum");
    }
    return missing;
  }

  @Override
  public Set<String> unused() {
    return missing().keySet();
  }

  /** What is kept in memory from step to step of each parameter, about, in bytes. */
  public int momentBytes() {
    boolean narrow = optim == OptimizerChoice.ADAMW && adamW.moments() == MomentDtype.BF16;
    // Muon keeps one moment of matrices, which are most of a model.
    int numbers = optim == OptimizerChoice.MUON ? 1 : savedMoments();
    return numbers * (narrow ? Short.BYTES : Float.BYTES);
  }

  /** What a training state holds of the moments, at most, in values a parameter. */
  public int savedMoments() {
    return switch (optim) {
      case ADAMW, MUON -> 2;
      case SGD -> sgd.momentum() == 0 ? 0 : 1;
      // A row and a column of each matrix.
      case ADAFACTOR -> 0;
    };
  }
}
