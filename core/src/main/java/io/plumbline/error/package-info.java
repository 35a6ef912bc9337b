/**
 * Failures as users see them: a code and one sentence that says what failed, where, and how to fix
 * it.
 *
 * <p>Belongs here: codes, and the exception that carries one. Does not: sentences about a subject,
 * which stand where the subject is known. Uses nothing of Plumbline.
 */
package io.plumbline.error;
