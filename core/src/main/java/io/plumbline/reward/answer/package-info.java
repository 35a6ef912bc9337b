/**
 * Whether a completion's final answer equals the expected one: numbers, units, expressions, words.
 *
 * <p>Belongs here: reading and comparing answers. Does not: options and weights of rewards, which
 * are in {@code reward}. Uses {@code error}.
 */
package io.plumbline.reward.answer;
