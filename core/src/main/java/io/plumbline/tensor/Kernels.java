package io.plumbline.tensor;

import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.JniUtils;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Fused operators: functions in TorchScript source, a text resource of the jar, compiled once for
 * each set of constants. Safe to call from several threads at once.
 */
public final class Kernels {
  private static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{(\\w+)}}");

  /** Modules are small and few (one a resource and set of constants), so they are kept. */
  private static final Map<String, Kernels> LOADED = new ConcurrentHashMap<>();

  private final long module;

  /** Keeps the module from being freed. */
  @SuppressWarnings("unused")
  private final PtSymbolBlock block;

  private Kernels(PtSymbolBlock block) {
    this.block = block;
    this.module = block.getHandle();
  }

  /**
   * Compiles a resource that lies beside {@code owner}.
   *
   * @param constants replace {@code {{name}}} in the source
   */
  public static Kernels load(Class<?> owner, String resource, Map<String, String> constants) {
    return LOADED.computeIfAbsent(fill(source(owner, resource), constants), Kernels::compile);
  }

  /**
   * The kernels of a resource as a TorchScript archive, which every PyTorch of this version loads.
   */
  public static byte[] archive(Class<?> owner, String resource, Map<String, String> constants) {
    return TorchScriptArchive.pack(fill(source(owner, resource), constants));
  }

  private static String source(Class<?> owner, String resource) {
    try (InputStream in = owner.getResourceAsStream(resource)) {
      if (in == null) {
        throw new PlumblineException(
            ErrorCode.INTERNAL, "the jar lacks " + resource + " beside " + owner.getName());
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static String fill(String source, Map<String, String> constants) {
    return PLACEHOLDER
        .matcher(source)
        .replaceAll(
            match -> {
              String value = constants.get(match.group(1));
              if (value == null) {
                throw new PlumblineException(
                    ErrorCode.INTERNAL, "the kernels need a constant " + match.group(1));
              }
              return Matcher.quoteReplacement(value);
            });
  }

  private static Kernels compile(String methods) {
    byte[] archive = TorchScriptArchive.pack(methods);
    try {
      return new Kernels(
          JniUtils.loadModule(Torch.manager(), new ByteArrayInputStream(archive), false, false));
    } catch (IOException e) {
      throw new UncheckedIOException("reading from memory failed", e);
    }
  }

  /**
   * Runs one kernel.
   *
   * @param scope owns the result
   * @param arguments each a {@link Value}, an {@code Integer} or {@code Long}, a {@code Double}, a
   *     {@code Boolean}, a {@code String} or a {@code long[]}
   */
  public Value call(Scope scope, GraphMode mode, String method, Object... arguments) {
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
      return scope.own(new Value(Torch.run(module, method, handles, mode)));
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
    throw new IllegalArgumentException("kernels take no " + argument.getClass().getName());
  }
}
