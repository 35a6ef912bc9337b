/**
 * What is kept of rollouts between phases.
 *
 * <p>Belongs here: the curriculum of prompts, the trust region, and in {@code rollout.ledger} the
 * table of every rollout. Does not: the phase itself, which is in {@code train}. Uses the packages
 * below it.
 */
package io.plumbline.rollout;
