/**
 * Small tools that know nothing of training: digests, checks of numbers, a number or a share of
 * things, floats beyond what one buffer holds, the nearest name for a misspelt one.
 *
 * <p>Belongs here: what at least two packages need and no library has. Does not: anything that
 * names a model, a row or a run. Uses {@code error}.
 */
package io.plumbline.base;
