package io.plumbline.settings;

import java.util.Set;

/** Settings of which some do nothing beside the others. */
public interface PartlyUsed {
  /** Names of options, of this record and those within it, that do nothing beside the others. */
  Set<String> unused();
}
