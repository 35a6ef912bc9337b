package io.plumbline.rollout;

import java.util.List;

/**
 * What a group's tokens are learned for; lists are by completion.
 *
 * @param byToken advantages
 * @param values of a critic; empty without one
 * @param returns that it is to learn; empty without one
 * @param learned whether anything is learned from a completion
 */
record GroupCredit(
    List<double[]> byToken, List<float[]> values, List<double[]> returns, boolean[] learned) {}
