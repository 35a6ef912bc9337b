package io.plumbline.text;

import java.util.Optional;
import java.util.OptionalInt;

/** A Hugging Face tokenizer: the same ids as transformers gives for the same files. */
public final class Tokenizer implements AutoCloseable {
  private Tokenizer() {}

  public static Tokenizer of(TokenizerFiles files) {
    throw new UnsupportedOperationException();
  }

  /** Ids with the special tokens that the post-processor adds, as {@code tokenizer(text)} gives. */
  public int[] encode(String text) {
    throw new UnsupportedOperationException();
  }

  /** Ids without added special tokens, as {@code add_special_tokens=False} gives. */
  public int[] encodeWithoutSpecialTokens(String text) {
    throw new UnsupportedOperationException();
  }

  /** Text with special tokens kept. */
  public String decode(int[] ids) {
    throw new UnsupportedOperationException();
  }

  /** Text with special tokens left out. */
  public String decodeSkippingSpecialTokens(int[] ids) {
    throw new UnsupportedOperationException();
  }

  public OptionalInt bosTokenId() {
    throw new UnsupportedOperationException();
  }

  public OptionalInt eosTokenId() {
    throw new UnsupportedOperationException();
  }

  public OptionalInt padTokenId() {
    throw new UnsupportedOperationException();
  }

  public Optional<String> bosToken() {
    throw new UnsupportedOperationException();
  }

  public Optional<String> eosToken() {
    throw new UnsupportedOperationException();
  }

  /** The template that renders conversations, if the files have one. */
  public Optional<ChatTemplate> chatTemplate() {
    throw new UnsupportedOperationException();
  }

  /** Changes whenever the ids for some text, or the rendering of some chat, may change. */
  public String fingerprint() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}
