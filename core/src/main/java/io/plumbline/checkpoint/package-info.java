/**
 * Hugging Face directories, safetensors, training states, the record of a run, and what a run says
 * about a model's chat templates.
 *
 * <p>Belongs here: what weights and states look like on disk, and fingerprints of them. Does not:
 * what a model computes, which is in {@code model}. Uses {@code error}, {@code storage}, {@code
 * tensor} and {@code text}.
 */
package io.plumbline.checkpoint;
