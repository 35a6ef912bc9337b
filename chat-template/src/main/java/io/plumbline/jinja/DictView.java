package io.plumbline.jinja;

import java.util.Iterator;

/** What {@code keys()}, {@code values()} and {@code items()} give. */
record DictView(PyDict dict, Kind kind) {
  enum Kind {
    KEYS("dict_keys"),
    VALUES("dict_values"),
    ITEMS("dict_items");

    final String typeName;

    Kind(String typeName) {
      this.typeName = typeName;
    }
  }

  Iterator<Object> elements(Rendering rendering) {
    return switch (kind) {
      case KEYS -> dict.keys();
      case VALUES -> dict.values();
      case ITEMS -> dict.items(rendering);
    };
  }
}
