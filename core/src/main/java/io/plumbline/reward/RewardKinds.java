package io.plumbline.reward;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.TreeMap;

/**
 * Reward functions by the name of their kind. Factories and classes are looked for by the class
 * loader of the calling thread, which on Spark sees the jars of {@code --jars}.
 */
final class RewardKinds {
  private RewardKinds() {}

  /** Makes the function of a spec; fails with BAD_USAGE where it is not understood. */
  static RewardFunction make(RewardSpec spec, Storage storage) {
    if (spec.kind().equals(RewardSpec.CLASS)) {
      return byClass(spec);
    }
    Map<String, RewardFunctionFactory> factories = factories();
    RewardFunctionFactory factory = factories.get(spec.kind());
    if (factory == null) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "There is no reward "
              + spec.kind()
              + Options.meant(factories.keySet(), spec.kind())
              + ": use one of "
              + String.join(", ", factories.keySet())
              + ", or the full name of a class that implements RewardFunction.");
    }
    return factory.create(spec.optionsObject(), storage);
  }

  static List<String> names() {
    return List.copyOf(factories().keySet());
  }

  private static ClassLoader loader() {
    ClassLoader context = Thread.currentThread().getContextClassLoader();
    return context == null ? RewardKinds.class.getClassLoader() : context;
  }

  private static Map<String, RewardFunctionFactory> factories() {
    Map<String, RewardFunctionFactory> factories = new TreeMap<>();
    try {
      for (RewardFunctionFactory factory :
          ServiceLoader.load(RewardFunctionFactory.class, loader())) {
        RewardFunctionFactory other = factories.putIfAbsent(factory.kind(), factory);
        if (other != null && other.getClass() != factory.getClass()) {
          throw new PlumblineException(
              ErrorCode.BAD_USAGE,
              "Both "
                  + other.getClass().getName()
                  + " and "
                  + factory.getClass().getName()
                  + " make the reward "
                  + factory.kind()
                  + ": give one another kind().");
        }
      }
    } catch (ServiceConfigurationError e) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "A reward factory on the class path cannot be loaded: "
              + e.getMessage()
              + "; fix the file META-INF/services/"
              + RewardFunctionFactory.class.getName()
              + " of its jar.",
          e);
    }
    return factories;
  }

  private static RewardFunction byClass(RewardSpec spec) {
    ObjectNode options = spec.optionsObject();
    String className = options.path(RewardSpec.CLASS).asText();
    options.remove(RewardSpec.CLASS);
    Class<? extends RewardFunction> type = load(className);
    try {
      Constructor<? extends RewardFunction> constructor = constructor(type, options);
      return constructor.getParameterCount() == 0
          ? constructor.newInstance()
          : constructor.newInstance(options);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof PlumblineException cause) {
        throw cause;
      }
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "The reward " + className + " cannot be made from its options: " + e.getCause() + ".",
          e);
    } catch (ReflectiveOperationException e) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "The reward " + className + " cannot be made: " + e + "; make the class public.",
          e);
    }
  }

  private static Class<? extends RewardFunction> load(String className) {
    Class<?> type;
    try {
      type = Class.forName(className, true, loader());
    } catch (ClassNotFoundException | LinkageError e) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "There is no class "
              + className
              + " for a reward ("
              + e
              + "): check the name, and put its jar and what that needs on --jars.",
          e);
    }
    if (!RewardFunction.class.isAssignableFrom(type)
        || type.isInterface()
        || Modifier.isAbstract(type.getModifiers())) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "The class "
              + className
              + " is no reward: it must implement "
              + RewardFunction.class.getName()
              + " and not be abstract.");
    }
    return type.asSubclass(RewardFunction.class);
  }

  private static Constructor<? extends RewardFunction> constructor(
      Class<? extends RewardFunction> type, ObjectNode options) {
    try {
      return type.getConstructor(ObjectNode.class);
    } catch (NoSuchMethodException e) {
      if (!options.isEmpty()) {
        throw new PlumblineException(
            ErrorCode.BAD_USAGE,
            "The reward "
                + type.getName()
                + " takes no options, as it has no public constructor with an ObjectNode, and"
                + " was given "
                + String.join(", ", (Iterable<String>) options::fieldNames)
                + ".",
            e);
      }
    }
    try {
      return type.getConstructor();
    } catch (NoSuchMethodException e) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "The reward "
              + type.getName()
              + " needs a public constructor without parameters, or one with an ObjectNode.",
          e);
    }
  }
}
