package io.plumbline;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** Records with other values, by the names of their components. */
public final class Records {
  private Records() {}

  /**
   * A record with other values; the record's constructor checks them.
   *
   * @param changes a component's name and its value, and so on. The component may stand in a record
   *     that is itself a component.
   */
  public static <T extends Record> T with(T record, Object... changes) {
    Map<String, Object> values = new HashMap<>();
    for (int i = 0; i < changes.length; i += 2) {
      values.put((String) changes[i], changes[i + 1]);
    }
    Set<String> left = new HashSet<>(values.keySet());
    T changed = changed(record, values, left);
    if (!left.isEmpty()) {
      throw new IllegalArgumentException(record.getClass() + " has no " + left);
    }
    return changed;
  }

  @SuppressWarnings("unchecked")
  private static <T extends Record> T changed(
      T record, Map<String, Object> values, Set<String> left) {
    RecordComponent[] components = record.getClass().getRecordComponents();
    Object[] arguments = new Object[components.length];
    try {
      for (int i = 0; i < components.length; i++) {
        String name = components[i].getName();
        components[i].getAccessor().setAccessible(true);
        Object held = components[i].getAccessor().invoke(record);
        if (values.containsKey(name)) {
          left.remove(name);
          arguments[i] = values.get(name);
        } else {
          arguments[i] = held instanceof Record nested ? changed(nested, values, left) : held;
        }
      }
      Class<?>[] types =
          Stream.of(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
      Constructor<?> constructor = record.getClass().getDeclaredConstructor(types);
      constructor.setAccessible(true);
      return (T) constructor.newInstance(arguments);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException("cannot change a " + record.getClass(), e);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("cannot change a " + record.getClass(), e);
    }
  }
}
