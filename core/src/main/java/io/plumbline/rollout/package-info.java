/**
 * What is made of rewards: advantages, KL controllers, constraints, curricula, and statistics of
 * rollouts.
 *
 * <p>Belongs here: pure functions and small states over rewards and lengths. Reward functions are
 * in {@code rollout.reward}, the table of every rollout in {@code rollout.ledger}, choices among
 * completions in {@code rollout.mine}. Does not: sampling, which is in {@code model} and {@code
 * train}. Uses the packages below it.
 */
package io.plumbline.rollout;
