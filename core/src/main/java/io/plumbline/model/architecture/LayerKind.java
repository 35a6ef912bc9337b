package io.plumbline.model.architecture;

/**
 * What differs between the layers of a model.
 *
 * @param window how many places a place sees, itself included; 0 for all that stand before it
 */
public record LayerKind(Rope rope, int window) {}
