/**
 * Optimizers, learning-rate schedules and gradient clipping over flat buffers.
 *
 * <p>Belongs here: how gradients become new weights, an {@link io.plumbline.optim.UpdateRule} an
 * optimizer. Does not: where gradients come from. Uses {@code tensor}, {@code settings}, {@code
 * error}, and {@code model} for the type in which products are computed.
 */
package io.plumbline.optim;
