package io.plumbline.tensor;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.JniUtils;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/** The engine below all kernels: started once in a JVM, and set up for each thread that calls. */
public final class Torch {
  private static final ThreadLocal<Boolean> PREPARED = ThreadLocal.withInitial(() -> false);

  private Torch() {}

  /** Everything that exists once the engine has started; loaded on first use. */
  private static final class Started {
    static final PtNDManager MANAGER;
    static final Object LIBRARY;
    static final MethodHandle RUN_METHOD;
    static final MethodHandle NEW_IVALUE;

    static {
      if (System.getProperty("ai.djl.offline") == null) {
        System.setProperty("ai.djl.offline", "true");
      }
      try {
        Engine.getEngine("PyTorch");
        MANAGER = (PtNDManager) NDManager.newBaseManager(Device.cpu(), "PyTorch");
        // IValueUtils.runMethod always runs in inference mode and then nothing can be trained, so
        // the native method behind it is called by a handle.
        Class<?> library = Class.forName("ai.djl.pytorch.jni.PyTorchLibrary");
        MethodHandles.Lookup lookup =
            MethodHandles.privateLookupIn(library, MethodHandles.lookup());
        LIBRARY = lookup.findStaticGetter(library, "LIB", library).invoke();
        RUN_METHOD =
            lookup
                .findVirtual(
                    library,
                    "moduleRunMethod",
                    MethodType.methodType(
                        long.class,
                        long.class,
                        String.class,
                        long[].class,
                        boolean.class,
                        boolean.class))
                .bindTo(LIBRARY);
        NEW_IVALUE =
            MethodHandles.privateLookupIn(IValue.class, MethodHandles.lookup())
                .findConstructor(IValue.class, MethodType.methodType(void.class, long.class));
      } catch (Throwable e) {
        throw new PlumblineException(
            ErrorCode.ENGINE_FAILED,
            "PyTorch could not be started from DJL 0.36: "
                + e
                + "; check that the jar carries the native library of this platform and that"
                + " DJL_CACHE_DIR can be written",
            e);
      }
    }
  }

  /** Starts the engine where it is not running yet. */
  public static void start() {
    manager();
  }

  /**
   * Sets how many threads the kernels that the calling thread runs may use. Ranks that share a JVM
   * each set their own.
   */
  public static void useThreads(int threads) {
    if (threads < 1) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE, "a rank needs at least 1 thread, not " + threads);
    }
    start();
    JniUtils.setNumThreads(threads);
  }

  /** How many threads the kernels that the calling thread runs may use. */
  public static int threads() {
    start();
    return JniUtils.getNumThreads();
  }

  static PtNDManager manager() {
    try {
      return Started.MANAGER;
    } catch (ExceptionInInitializerError e) {
      if (e.getCause() instanceof PlumblineException cause) {
        throw cause;
      }
      throw e;
    }
  }

  /** Runs a method of a loaded module; the caller owns the result. */
  static IValue run(long module, String method, long[] inputs, GraphMode mode) {
    start();
    if (!PREPARED.get()) {
      // Kernels are few, large operators: the graph executor's rewriting gains nothing, and its
      // own derivatives would replace autograd's. The setting is the thread's.
      JniUtils.setGraphExecutorOptimize(false);
      PREPARED.set(true);
    }
    JniUtils.setGradMode(mode == GraphMode.GRAPH);
    try {
      long result =
          (long)
              Started.RUN_METHOD.invokeExact(
                  module, method, inputs, mode != GraphMode.INFERENCE, false);
      return (IValue) Started.NEW_IVALUE.invokeExact(result);
    } catch (Throwable e) {
      throw new PlumblineException(
          ErrorCode.ENGINE_FAILED, "kernel " + method + " failed: " + firstLine(e), e);
    } finally {
      JniUtils.setGradMode(false);
    }
  }

  private static String firstLine(Throwable e) {
    String message = String.valueOf(e.getMessage());
    // TorchScript puts the reason last, after a listing of the code.
    String stripped = message.strip();
    return stripped.substring(stripped.lastIndexOf('\n') + 1).strip();
  }
}
