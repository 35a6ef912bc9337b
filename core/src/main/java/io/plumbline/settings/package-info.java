/**
 * Settings declared once: a record whose components are options, each with its name, its help, its
 * range and its standard value in an annotation.
 *
 * <p>Belongs here: the annotations, and what is derived from them (the list of options, a record
 * from texts, the texts of a record). Does not: any option, which stands in the record of those who
 * read it, or how a command line or a file is read. Uses {@code error}.
 */
package io.plumbline.settings;
