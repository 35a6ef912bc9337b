/**
 * AdamW, learning-rate schedules and gradient clipping over flat buffers.
 *
 * <p>Belongs here: how gradients become new weights. Does not: where gradients come from. Uses
 * {@code tensor}, {@code settings} and {@code error}.
 */
package io.plumbline.optim;
