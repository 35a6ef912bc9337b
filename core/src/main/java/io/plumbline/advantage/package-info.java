/**
 * What is made of rewards: advantages, the charge for the divergence from the reference, and costs
 * under a limit.
 *
 * <p>Belongs here: pure functions of rewards, and the small states of their controllers. Does not:
 * sampling and scoring. Uses {@code reward} and {@code base}.
 */
package io.plumbline.advantage;
