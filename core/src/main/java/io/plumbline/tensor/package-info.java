/**
 * PyTorch at arm's length: kernels, native memory that is freed in time, and flat buffers of
 * weights.
 *
 * <p>Belongs here: everything that calls DJL or JNA. Does not: layers and families, which are in
 * {@code model}. Uses {@code error} and {@code storage}.
 */
package io.plumbline.tensor;
