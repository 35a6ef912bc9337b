/**
 * Jinja2 as chat templates use it, with bounds on time and memory because templates come from
 * strangers.
 *
 * <p>Belongs here: the language, its filters, methods and values. Does not: what a conversation is.
 * Uses Java alone.
 */
package io.plumbline.jinja;
