package io.plumbline.tensor;

import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.JniUtils;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Fused operators: the functions of a Python file, a resource of the jar, compiled by TorchScript
 * once for each set of constants. Safe to call from several threads at once.
 *
 * <p>A Java interface names those that Java calls: method and arguments are named as in Python, in
 * camel case, and have these types.
 *
 * <table>
 *   <caption>Types</caption>
 *   <tr><th>Python</th><th>Java</th></tr>
 *   <tr><td>int</td><td>int or long</td></tr>
 *   <tr><td>float, bool, str</td><td>double, boolean, String</td></tr>
 *   <tr><td>List[int]</td><td>long[]</td></tr>
 *   <tr><td>a named tuple of tensors, as a result</td><td>a record of values, or a value</td></tr>
 *   <tr><td>Tensor, and all else</td><td>{@link Value}</td></tr>
 * </table>
 *
 * @param <K> the interface
 */
public final class Kernels<K> {
  /** Modules are small and few (one a resource and set of constants), so they are kept. */
  private static final Map<Key, Kernels<?>> LOADED = new ConcurrentHashMap<>();

  private record Key(Class<?> functions, String file, KernelFilling filling) {}

  /** A method of the interface, ready to be called. */
  private record Function(String name, Constructor<?> record) {}

  private final Class<K> functions;
  private final Map<Method, Function> methods = new HashMap<>();
  private final long module;

  /** Keeps the module from being freed. */
  @SuppressWarnings("unused")
  private final PtSymbolBlock block;

  private Kernels(Class<K> functions, PtSymbolBlock block) {
    this.functions = functions;
    this.block = block;
    this.module = block.getHandle();
    for (Method method : functions.getMethods()) {
      methods.put(
          method,
          new Function(
              KernelSignatures.pythonName(method.getName()), constructor(method.getReturnType())));
    }
  }

  /**
   * Compiles a file that lies beside an interface.
   *
   * @throws PlumblineException INTERNAL where the file lacks a function of the interface, has one
   *     with other names or types of arguments, or declares a constant that has no value
   */
  public static <K> Kernels<K> load(Class<K> functions, String file, KernelFilling filling) {
    @SuppressWarnings("unchecked") // The key has the interface.
    Kernels<K> kernels =
        (Kernels<K>)
            LOADED.computeIfAbsent(
                new Key(functions, file, filling), key -> compile(functions, file, filling));
    return kernels;
  }

  /** The kernels of a file as a TorchScript archive, which every PyTorch of this version loads. */
  public static byte[] archive(Class<?> owner, String file, KernelFilling filling) {
    return KernelSource.read(owner, file, filling).archive();
  }

  private static <K> Kernels<K> compile(Class<K> functions, String file, KernelFilling filling) {
    KernelSource source = KernelSource.read(functions, file, filling);
    KernelSignatures.require(functions, source);
    try {
      return new Kernels<>(
          functions,
          JniUtils.loadModule(
              Torch.manager(), new ByteArrayInputStream(source.archive()), false, false));
    } catch (IOException e) {
      throw new UncheckedIOException("reading from memory failed", e);
    }
  }

  private static Constructor<?> constructor(Class<?> result) {
    if (!result.isRecord()) {
      return null;
    }
    Class<?>[] types =
        Arrays.stream(result.getRecordComponents())
            .map(RecordComponent::getType)
            .toArray(Class<?>[]::new);
    try {
      Constructor<?> constructor = result.getDeclaredConstructor(types);
      constructor.setAccessible(true);
      return constructor;
    } catch (NoSuchMethodException e) {
      throw new IllegalStateException("a record has its canonical constructor", e);
    }
  }

  /**
   * The functions, to be run in a mode.
   *
   * @param scope owns the results
   */
  public K in(Scope scope, GraphMode mode) {
    InvocationHandler handler = (proxy, method, arguments) -> call(scope, mode, method, arguments);
    return functions.cast(
        Proxy.newProxyInstance(functions.getClassLoader(), new Class<?>[] {functions}, handler));
  }

  private Object call(Scope scope, GraphMode mode, Method method, Object[] given)
      throws ReflectiveOperationException {
    Function function = methods.get(method);
    if (function == null) {
      // A method of every object, such as toString.
      return method.invoke(this, given);
    }
    Object[] arguments = given == null ? new Object[0] : given;
    Value result = run(function.name(), mode, arguments);
    if (function.record() == null && method.getReturnType() != void.class) {
      return scope.own(result);
    }
    try (result) {
      return function.record() == null
          ? null
          : function.record().newInstance((Object[]) result.parts(scope));
    }
  }

  private Value run(String function, GraphMode mode, Object[] arguments) {
    long[] handles = new long[arguments.length];
    IValue[] made = new IValue[arguments.length];
    try {
      for (int i = 0; i < arguments.length; i++) {
        if (arguments[i] instanceof Value value) {
          handles[i] = value.handle();
        } else {
          made[i] = constant(arguments[i]);
          handles[i] = made[i].getHandle();
        }
      }
      return new Value(Torch.run(module, function, handles, mode));
    } finally {
      for (IValue value : made) {
        if (value != null) {
          value.close();
        }
      }
    }
  }

  private static IValue constant(Object argument) {
    if (argument instanceof Integer n) {
      return IValue.from((long) n);
    } else if (argument instanceof Long n) {
      return IValue.from((long) n);
    } else if (argument instanceof Double x) {
      return IValue.from((double) x);
    } else if (argument instanceof Boolean b) {
      return IValue.from((boolean) b);
    } else if (argument instanceof String text) {
      return IValue.from(text);
    } else if (argument instanceof long[] list) {
      return IValue.listFrom(list);
    }
    throw new PlumblineException(ErrorCode.INTERNAL, "kernels take no " + argument);
  }

  @Override
  public String toString() {
    return functions.getSimpleName();
  }
}
