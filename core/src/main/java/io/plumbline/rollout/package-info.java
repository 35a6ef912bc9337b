/**
 * Rollouts: completions that a run's own policy writes, and what is learned for them.
 *
 * <p>A phase reads from top to bottom in {@link io.plumbline.rollout.Rollouts}: prompts are drawn,
 * completed, scored and compared with their group or a critic, and become the rows of the phase's
 * steps. Beside it stand its metrics, its ledger ({@code rollout.ledger}), and what ends a run
 * whose rewards fail. Does not belong here: the loss of these rows, which is with the other losses
 * in {@code train}. Uses {@code train} and the packages below it.
 */
package io.plumbline.rollout;
