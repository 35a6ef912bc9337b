/**
 * Reward functions: those that come with Plumbline, how they are named with options, and the panel
 * that weighs several of them.
 *
 * <p>Belongs here: what scores a completion. Users add their own by {@link
 * io.plumbline.reward.RewardFunctionFactory}. Does not: how an answer is read, which is in {@code
 * reward.answer}; what is made of scores, which is in {@code advantage}. Uses {@code model} and the
 * packages below it.
 */
package io.plumbline.reward;
