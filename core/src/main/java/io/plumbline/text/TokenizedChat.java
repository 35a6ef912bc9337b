package io.plumbline.text;

/**
 * A conversation as token ids.
 *
 * @param ids of the whole rendered conversation
 * @param assistantMask of the same length: 1 where the assistant speaks, by {@code {% generation
 *     %}}, else 0
 */
public record TokenizedChat(int[] ids, byte[] assistantMask) {}
