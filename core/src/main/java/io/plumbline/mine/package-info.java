/**
 * Which of a policy's own completions become data: pairs, or rows to imitate.
 *
 * <p>Belongs here: strategies of choice. Does not: sampling and scoring completions. Uses {@code
 * error}.
 */
package io.plumbline.mine;
