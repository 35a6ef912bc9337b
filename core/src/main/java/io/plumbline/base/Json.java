package io.plumbline.base;

import com.fasterxml.jackson.databind.ObjectMapper;

/** JSON as the product's own files have it. */
public final class Json {
  /** Jackson with its own settings; safe to share, and not to be configured. */
  public static final ObjectMapper MAPPER = new ObjectMapper();

  private Json() {}
}
