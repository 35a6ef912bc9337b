/**
 * Losses of sampled completions: the surrogates of PPO and GRPO, the charge for the divergence from
 * the reference, the loss of a critic.
 *
 * <p>Belongs here: a class for each surrogate, and the settings of a step on rollouts. Does not:
 * advantages, which are in {@code advantage}; sampling, which is in {@code train}. Uses {@code
 * objective}.
 */
package io.plumbline.objective.rollout;
