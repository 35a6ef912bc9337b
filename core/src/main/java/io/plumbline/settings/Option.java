package io.plumbline.settings;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A component of a settings record that users set by name.
 *
 * <p>The component's type says how a text becomes a value: {@code int}, {@code long} and {@code
 * double}; {@code boolean}, a flag; {@code String}, empty where it is not given; an enum, by its
 * constants in small letters; {@code List<String>}, an option that repeats, and with {@link
 * #commas} a list in one text, of {@code Double} too; {@code Optional}, {@code OptionalInt} and
 * {@code OptionalLong}, empty where it is not given; and any class with {@code static T
 * parse(String)}, which fails with an {@link IllegalArgumentException} whose message continues from
 * "--name is TEXT and ", and {@code Object text()}.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Option {
  /** One or two sentences. */
  String help();

  /** The name without dashes; by default the component's in kebab-case. */
  String name() default "";

  /** What stands for the value in help; by default that of the type. */
  String label() default "";

  /** The heading in help; by default that of the record's {@link Heading}. */
  String heading() default "";

  /** The text of the value where none is given. */
  String standard() default "";

  /**
   * What the component holds where nothing is given and there is no standard value. A number that
   * has it is not recorded.
   */
  String absent() default "";

  /** The least number, included. */
  double min() default Double.NEGATIVE_INFINITY;

  /** The greatest number, included. */
  double max() default Double.POSITIVE_INFINITY;

  /** Whether a number must be above 0. */
  boolean positive() default false;

  /** Whether one text holds several values, with commas between them. */
  boolean commas() default false;

  /** Whether {@code none} is a value: infinity of a number, empty of an optional one. */
  boolean orNone() default false;

  /** Makes an option of an enum of two constants a flag, which stands for this one. */
  String flag() default "";

  /** Words that a shell offers beside those of the label. */
  String[] words() default {};

  /** Whether a run's record has it: not what is about one call alone. */
  boolean recorded() default true;

  /** Why it may have another value when a run is resumed; empty where it decides updates. */
  String decidesNothing() default "";

  /**
   * The value with which the option does nothing, as runs have it that were made before there was
   * the option. It is fixed by what the option means, not by the standard value, which may change.
   */
  String neutral() default "";

  /** Options beside which alone this one is there, or from which it takes its standard value. */
  String[] follows() default {};
}
