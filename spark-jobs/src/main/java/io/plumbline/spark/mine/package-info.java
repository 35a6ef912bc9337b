/** Makes data of a policy's own completions and a reward, in a stage without a gang. */
package io.plumbline.spark.mine;
