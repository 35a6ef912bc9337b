package io.plumbline.tensor;

import ai.djl.pytorch.jni.JniUtils;
import ai.djl.util.Platform;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;

/**
 * Where tensors live and kernels run: the CPU, or one CUDA device. A model lives where the thread
 * that loads it says, by {@link #use}; what its kernels read and make is there too.
 *
 * @param type PyTorch's name of the kind of device, such as {@code cpu} or {@code cuda}
 * @param index which of them; negative where there is but one
 */
public record Device(String type, int index) {
  /** The host's own memory. */
  public static final Device CPU = new Device("cpu", -1);

  private static final ThreadLocal<Device> OF_THREAD = ThreadLocal.withInitial(() -> CPU);

  /** A CUDA device by its ordinal, as PyTorch counts those that the process sees. */
  public static Device cuda(int ordinal) {
    return new Device("cuda", ordinal);
  }

  /** Where models live that the calling thread loads. */
  public static Device ofThread() {
    return OF_THREAD.get();
  }

  /** Ends what {@link Device#use} began. */
  public interface Use extends AutoCloseable {
    @Override
    void close();
  }

  /** Until closed, models that the calling thread loads live here. */
  public Use use() {
    Device before = OF_THREAD.get();
    OF_THREAD.set(this);
    return () -> OF_THREAD.set(before);
  }

  /** Whether tensors lie in the host's own memory, where Java reads them without a copy. */
  public boolean isHost() {
    return equals(CPU);
  }

  /**
   * Fails in seconds where this process cannot compute here.
   *
   * @throws PlumblineException CLUSTER_UNFIT: PyTorch's native library has no CUDA, the driver is
   *     missing, or there is no such device
   */
  public void require() {
    if (isHost()) {
      return;
    }
    Torch.start();
    if (!JniUtils.getFeatures().contains("CUDA")) {
      throw new PlumblineException(
          ErrorCode.CLUSTER_UNFIT,
          "%s was asked for, but PyTorch sees no CUDA device here, and its native library is %s: on the executors, set PYTORCH_LIBRARY_PATH to a PyTorch 2.7.1 with CUDA and PYTORCH_FLAVOR=cu128, check the driver, or compute on the device cpu (docs/gpu.md)."
              .formatted(this, nativeLibrary()));
    }
    try (Scope scope = Scope.on(this)) {
      scope.floats(new float[] {1}, 1);
    } catch (PlumblineException e) {
      throw new PlumblineException(
          ErrorCode.CLUSTER_UNFIT,
          "%s cannot be used (%s): check the GPU discovery script, CUDA_VISIBLE_DEVICES and the driver."
              .formatted(this, e.getMessage()),
          e);
    }
  }

  private static String nativeLibrary() {
    String path = System.getenv("PYTORCH_LIBRARY_PATH");
    return path == null
        ? "the jar's own for '" + Platform.detectPlatform("pytorch").getFlavor() + "'"
        : "that of PYTORCH_LIBRARY_PATH";
  }

  /** As PyTorch writes it: {@code cpu}, {@code cuda:0}. */
  @Override
  public String toString() {
    return index < 0 ? type : type + ":" + index;
  }
}
