package io.plumbline.spark.cli.terminal;

import io.plumbline.spark.gang.StopRequest;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes of a SIGTERM a request: training ends at its next step, with its state saved. Where nothing
 * trains, and at a second one, the process ends at once.
 */
public final class Termination implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Termination.class);

  /** What a shell says of a process that SIGTERM ended. */
  public static final int STATUS = 143;

  private static final AtomicBoolean HEARD = new AtomicBoolean();

  private final Object signal;
  private final Object before;

  private Termination(Object signal, Object before) {
    this.signal = signal;
    this.before = before;
  }

  /**
   * Until it is closed, a SIGTERM asks for a stop.
   *
   * @param command that is told of, as in "dpo"
   */
  public static Termination asks(StopRequest stop, String command, Console console) {
    try {
      Class<?> handlers = Class.forName("sun.misc.SignalHandler");
      InvocationHandler handler =
          (proxy, method, arguments) -> {
            if (!method.getName().equals("handle")) {
              return method.invoke(stop, arguments);
            }
            HEARD.set(true);
            boolean first = stop.reason().isEmpty();
            if (stop.ask("SIGTERM") && first) {
              console
                  .err()
                  .println(
                      "plumbline "
                          + command
                          + ": SIGTERM: training ends after this step and saves its state; a second"
                          + " SIGTERM ends it at once.");
              console.err().flush();
            } else {
              System.exit(STATUS);
            }
            return null;
          };
      Object proxy =
          Proxy.newProxyInstance(
              Termination.class.getClassLoader(), new Class<?>[] {handlers}, handler);
      // Java hears of signals in no other way that leaves the process running.
      Class<?> signals = Class.forName("sun.misc.Signal");
      Object signal = signals.getConstructor(String.class).newInstance("TERM");
      Object before = signals.getMethod("handle", signals, handlers).invoke(null, signal, proxy);
      return new Termination(signal, before);
    } catch (ReflectiveOperationException | IllegalArgumentException e) {
      LOG.debug("This Java cannot hear SIGTERM, which ends the process", e);
      return new Termination(null, null);
    }
  }

  /** Whether this process was told to end. */
  public static boolean heard() {
    return HEARD.get();
  }

  @Override
  public void close() {
    if (signal == null) {
      return;
    }
    try {
      signal
          .getClass()
          .getMethod("handle", signal.getClass(), Class.forName("sun.misc.SignalHandler"))
          .invoke(null, signal, before);
    } catch (ReflectiveOperationException e) {
      LOG.debug("SIGTERM keeps its handler", e);
    }
  }
}
