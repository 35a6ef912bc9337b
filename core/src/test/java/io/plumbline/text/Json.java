package io.plumbline.text;

import com.fasterxml.jackson.core.type.TypeReference;
import java.util.List;
import java.util.Map;

/** The shapes that JSON fixtures are read into. */
final class Json {
  static final TypeReference<List<Map<String, Object>>> LIST_OF_MAPS = new TypeReference<>() {};
  static final TypeReference<List<Object>> LIST = new TypeReference<>() {};
  static final TypeReference<Map<String, Object>> MAP = new TypeReference<>() {};

  private Json() {}
}
