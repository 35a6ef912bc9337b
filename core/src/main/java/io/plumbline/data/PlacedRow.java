package io.plumbline.data;

/**
 * A row and where it is trained on.
 *
 * @param step counted over the whole run from 0
 * @param slot place within the step, from 0 to before the global batch size
 */
public record PlacedRow(long step, int slot, TokenizedRow row) {}
