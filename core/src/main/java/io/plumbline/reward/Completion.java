package io.plumbline.reward;

import io.plumbline.model.Generation.Finish;
import java.util.Map;

/**
 * What a reward or a cost may look at: one completion and the row whose prompt it answers.
 *
 * @param row every column of the prompt's row, as JSON values: text, numbers, booleans, lists, maps
 * @param prompt the prompt as the model read it, special tokens included
 * @param promptTokens its ids
 * @param text the completion, special tokens left out but for those that a function {@link
 *     RewardFunction#reads reads}
 * @param tokens its ids, with the EOS where one was drawn
 * @param finish why it ends; {@link Finish#LENGTH} for one that was cut off
 */
public record Completion(
    Map<String, Object> row,
    String prompt,
    int[] promptTokens,
    String text,
    int[] tokens,
    Finish finish) {}
