/**
 * Ranks as tasks of one barrier stage: how they find each other, are watched, and are started
 * again.
 *
 * <p>Belongs here: rendezvous, devices, and what ranks send to the driver. Does not: what ranks
 * compute. Uses core, and no package of {@code spark} that trains.
 */
package io.plumbline.spark.gang;
