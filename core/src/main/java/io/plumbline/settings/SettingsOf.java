package io.plumbline.settings;

import io.plumbline.error.PlumblineException;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * What the annotations of a settings record say: its options, the record that values make, and the
 * values of a record. Components that are records themselves stand with their options in this
 * record's place; others without an annotation are no option.
 */
public final class SettingsOf<T extends Record> {
  /** The values that an option is given or has by default; several of one that repeats. */
  @FunctionalInterface
  public interface Values {
    List<Object> of(DeclaredOption option);
  }

  /** What a component is: an option, settings of their own, or neither. */
  private interface Part {
    List<DeclaredOption> options();

    Object make(Values values, Consumer<String> problems);

    /** Adds what a run's record has of a component, but for the options that are left out. */
    void record(Object held, Set<String> left, Map<String, Object> values);
  }

  private static final Map<Class<?>, SettingsOf<?>> KNOWN = new ConcurrentHashMap<>();

  private final Class<T> type;
  private final List<Part> parts = new ArrayList<>();

  private SettingsOf(Class<T> type) {
    this.type = type;
    Heading heading = type.getAnnotation(Heading.class);
    for (RecordComponent component : type.getRecordComponents()) {
      parts.add(part(component, heading == null ? "" : heading.value()));
      component.getAccessor().setAccessible(true);
    }
  }

  /** Those of a record. */
  @SuppressWarnings("unchecked")
  public static <T extends Record> SettingsOf<T> type(Class<T> type) {
    SettingsOf<?> known = KNOWN.get(type);
    if (known == null) {
      known = new SettingsOf<>(type);
      KNOWN.put(type, known);
    }
    return (SettingsOf<T>) known;
  }

  private static Part part(RecordComponent component, String heading) {
    Option option = component.getAnnotation(Option.class);
    if (option != null) {
      OptionType type = OptionType.of(component, option);
      String name = option.name().isEmpty() ? kebab(component.getName()) : option.name();
      return new Leaf(DeclaredOption.of(name, option, heading, type), type);
    }
    return component.getType().isRecord()
        ? new Nested(type(component.getType().asSubclass(Record.class)), component)
        : new Other(component);
  }

  private static String kebab(String name) {
    return name.replaceAll("([a-z0-9])([A-Z])", "$1-$2").toLowerCase(Locale.ROOT);
  }

  /** The options in the order of the components. */
  public List<DeclaredOption> options() {
    return parts.stream().flatMap(part -> part.options().stream()).toList();
  }

  /**
   * The record that values make. Where a constructor refuses them, its sentence is a problem and
   * the standard values stand in their place, so that checking can continue.
   *
   * @throws IllegalStateException where a component is neither an option nor a record
   */
  public T read(Values values, Consumer<String> problems) {
    try {
      return make(values, problems);
    } catch (PlumblineException e) {
      problems.accept(e.getMessage());
      return standard();
    }
  }

  /** The record of standard values. */
  public T standard() {
    return make(
        DeclaredOption::standardValues,
        problem -> {
          throw new IllegalStateException(problem);
        });
  }

  private T make(Values values, Consumer<String> problems) {
    return instance(parts.stream().map(part -> part.make(values, problems)).toArray());
  }

  private T instance(Object[] arguments) {
    Class<?>[] types =
        Stream.of(type.getRecordComponents()).map(RecordComponent::getType).toArray(Class[]::new);
    try {
      Constructor<T> constructor = type.getDeclaredConstructor(types);
      constructor.setAccessible(true);
      return constructor.newInstance(arguments);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException("cannot make a " + type, e);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("cannot make a " + type, e);
    }
  }

  /** The options of a record by name with their values, without those that do nothing in it. */
  public Map<String, Object> values(T record) {
    Map<String, Object> values = new LinkedHashMap<>();
    record(record, Set.of(), values);
    return values;
  }

  private void record(Object record, Set<String> above, Map<String, Object> values) {
    Set<String> left = new HashSet<>(above);
    if (record instanceof PartlyUsed partly) {
      left.addAll(partly.unused());
    }
    RecordComponent[] components = type.getRecordComponents();
    for (int i = 0; i < components.length; i++) {
      parts.get(i).record(held(components[i], record), left, values);
    }
  }

  private static Object held(RecordComponent component, Object record) {
    try {
      return component.getAccessor().invoke(record);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("cannot read " + component, e);
    }
  }

  private record Leaf(DeclaredOption option, OptionType type) implements Part {
    @Override
    public List<DeclaredOption> options() {
      return List.of(option);
    }

    @Override
    public Object make(Values values, Consumer<String> problems) {
      return type.holder().apply(values.of(option));
    }

    @Override
    public void record(Object held, Set<String> left, Map<String, Object> values) {
      if (option.declaration().recorded() && !left.contains(option.name())) {
        type.recorded().apply(held).ifPresent(value -> values.put(option.name(), value));
      }
    }
  }

  private record Nested(SettingsOf<?> settings, RecordComponent at) implements Part {
    @Override
    public List<DeclaredOption> options() {
      return DeclaredOption.headed(
          DeclaredOption.offered(DeclaredOption.varied(settings.options(), at), at), at);
    }

    @Override
    public Object make(Values values, Consumer<String> problems) {
      return settings.read(
          option -> values.of(DeclaredOption.varied(List.of(option), at).get(0)), problems);
    }

    @Override
    public void record(Object held, Set<String> left, Map<String, Object> values) {
      Without without = at.getAnnotation(Without.class);
      Set<String> all = new HashSet<>(left);
      all.addAll(without == null ? List.of() : List.of(without.value()));
      settings.record(held, all, values);
    }
  }

  private record Other(RecordComponent component) implements Part {
    @Override
    public List<DeclaredOption> options() {
      return List.of();
    }

    @Override
    public Object make(Values values, Consumer<String> problems) {
      throw new IllegalStateException(component + " is no option, and nothing gives its value");
    }

    @Override
    public void record(Object held, Set<String> left, Map<String, Object> values) {}
  }
}
