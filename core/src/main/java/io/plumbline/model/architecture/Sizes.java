package io.plumbline.model.architecture;

/**
 * The sizes of a decoder.
 *
 * @param vocabulary rows of the embedding
 * @param hidden width of the residual stream
 * @param heads query heads
 * @param kvHeads key and value heads; divides {@code heads}
 * @param headDim width of one head
 * @param maxPositions the longest context the checkpoint promises
 */
public record Sizes(
    int vocabulary,
    int hidden,
    int layers,
    int heads,
    int kvHeads,
    int headDim,
    int maxPositions) {}
