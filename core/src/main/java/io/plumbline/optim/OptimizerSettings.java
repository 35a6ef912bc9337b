package io.plumbline.optim;

import java.io.Serializable;

/**
 * Settings of AdamW (Loshchilov &amp; Hutter, 2019) and what stands around it.
 *
 * @param learningRate the peak, after warm-up
 * @param weightDecay decoupled decay of parameters with two or more dimensions; norms and biases
 *     have none, as in Hugging Face's Trainer
 * @param maxGradNorm gradients are scaled down to this global L2 norm; infinity for no clipping
 */
public record OptimizerSettings(
    double learningRate,
    Schedule schedule,
    long warmupSteps,
    double weightDecay,
    double maxGradNorm,
    double beta1,
    double beta2,
    double epsilon)
    implements Serializable {}
