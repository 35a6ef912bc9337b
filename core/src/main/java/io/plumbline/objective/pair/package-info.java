/**
 * Losses of preferred against rejected completions: DPO and its family, CPO, SimPO, ORPO.
 *
 * <p>Belongs here: a class for each loss and the settings that pairs share. Does not: which tokens
 * count, which is in {@code train}. Uses {@code objective}.
 */
package io.plumbline.objective.pair;
