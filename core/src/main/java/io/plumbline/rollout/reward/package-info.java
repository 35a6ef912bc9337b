/**
 * Reward functions: those that come with Plumbline, how they are named with options, and the panel
 * that weighs several of them.
 *
 * <p>Belongs here: what scores a completion. Users add their own by {@link
 * io.plumbline.rollout.RewardFunctionFactory}. Does not: what is made of scores, which is in {@code
 * rollout}. Uses {@code rollout} and the packages below it.
 */
package io.plumbline.rollout.reward;
