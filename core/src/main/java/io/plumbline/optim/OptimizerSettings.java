package io.plumbline.optim;

import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import java.io.Serializable;

/**
 * Settings of AdamW (Loshchilov &amp; Hutter, 2019) and what stands around it.
 *
 * @param learningRate the peak, after warm-up
 * @param weightDecay decoupled decay of parameters with two or more dimensions; norms and biases
 *     have none, as in Hugging Face's Trainer
 * @param maxGradNorm gradients are scaled down to this global L2 norm; infinity for no clipping
 */
@Heading("Optimizer")
public record OptimizerSettings(
    @Option(help = "Its peak, after the warm-up.", standard = "1e-6", min = 0) double learningRate,
    @Option(
            name = "lr-scheduler",
            help = "How the learning rate falls after the warm-up.",
            standard = "linear")
        Schedule schedule,
    @Option(help = "Steps over which it climbs from 0.", standard = "0", min = 0, neutral = "0")
        long warmupSteps,
    @Option(
            help = "Decoupled decay of weights; norms and biases have none.",
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
    @Option(
            name = "adam-beta1",
            help = "AdamW's decay of the mean.",
            standard = "0.9",
            min = 0,
            max = 1)
        double beta1,
    @Option(
            name = "adam-beta2",
            help = "AdamW's decay of the variance.",
            standard = "0.999",
            min = 0,
            max = 1)
        double beta2,
    @Option(
            name = "adam-epsilon",
            help = "Added to AdamW's denominator.",
            standard = "1e-8",
            min = 0)
        double epsilon)
    implements Serializable {}
