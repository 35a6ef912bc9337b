/**
 * Text to token ids and back, and conversations to text, as transformers does both.
 *
 * <p>Belongs here: tokenizer files, special tokens, chat templates. Does not: rows of data sets,
 * which are in {@code data}; the template language itself is in {@code jinja}, a module of its own.
 * Uses {@code error} and {@code jinja}.
 */
package io.plumbline.text;
