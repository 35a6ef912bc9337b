/** Which of a policy's own completions become data: pairs, or rows to imitate. */
package io.plumbline.rollout.mine;
