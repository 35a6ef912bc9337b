/**
 * What a model is, as its config.json says: its family, its sizes, the kinds of its layers and the
 * shapes of its parameters. A family is one class that reads its fields and one kernel file, and an
 * entry in {@link io.plumbline.model.architecture.Families}. Nothing here computes or reads
 * weights. Uses base and error.
 */
package io.plumbline.model.architecture;
