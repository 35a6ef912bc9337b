package io.plumbline.objective.pair;

/** An objective whose loss of a pair depends on the other pairs of the step's batch. */
public non-sealed interface BatchObjective extends PreferenceObjective {}
