package io.plumbline.settings;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Repeatable;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * What an option of a nested record is otherwise here. On a type, of the records that stand beside
 * it.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.RECORD_COMPONENT, ElementType.TYPE})
@Repeatable(Varied.List.class)
public @interface Varied {
  /** The option's name. */
  String option();

  /** Another help, if not empty. */
  String help() default "";

  /** A word of the help in whose place {@link #by} stands. */
  String word() default "";

  String by() default "";

  /** What is added to the help. */
  String also() default "";

  /** Another standard value, if not empty. */
  String standard() default "";

  /** Another least number. */
  double min() default Double.NEGATIVE_INFINITY;

  /** Several. */
  @Documented
  @Retention(RetentionPolicy.RUNTIME)
  @Target({ElementType.RECORD_COMPONENT, ElementType.TYPE})
  @interface List {
    Varied[] value();
  }
}
