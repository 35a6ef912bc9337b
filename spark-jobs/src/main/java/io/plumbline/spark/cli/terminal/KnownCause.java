package io.plumbline.spark.cli.terminal;

import io.plumbline.error.ErrorCode;
import io.plumbline.spark.gang.LostExecutors;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Failures of what lies below Plumbline that a user can fix, found by what Java, Spark, Hadoop and
 * PyTorch say of them. Spark hands most of them on as text, so that classes alone do not tell.
 */
enum KnownCause {
  STOPPED(
      ErrorCode.INTERRUPTED,
      "SparkContext was shut ?down|SparkContext has been shut ?down|Job \\d+ cancelled"
          + "|^java\\.lang\\.InterruptedException",
      "Spark was stopped while the job ran: start the same call again, training commands with"
          + " --resume."),
  DISK_FULL(
      ErrorCode.STORAGE_FAILED,
      "No space left on device|Disk quota exceeded|not enough space on the disk",
      "A disk is full: make room where --output and --reference-cache are and in Spark's"
          + " spark.local.dir (here %s), or name other places; training commands then continue by"
          + " --resume."),
  GPU_MEMORY(
      ErrorCode.ENGINE_FAILED,
      "CUDA out of memory|CUDA error: out of memory|CUDNN_STATUS_ALLOC_FAILED",
      "The GPU ran out of memory: take a smaller --micro-batch-tokens (which does not change the"
          + " update), a smaller --max-length, or fewer ranks a GPU."),
  NATIVE_MEMORY(
      ErrorCode.ENGINE_FAILED,
      "DefaultCPUAllocator|not enough memory: you tried to allocate|can't allocate memory"
          + "|Cannot allocate memory|std::bad_alloc",
      "PyTorch ran out of the machine's memory: take a smaller --micro-batch-tokens (which does not"
          + " change the update) or fewer --ranks, or on a cluster a larger"
          + " spark.executor.memoryOverhead."),
  MEMORY_LIMIT(ErrorCode.CLUSTER_UNFIT, LostExecutors.LIMIT_PATTERN, LostExecutors.MEMORY),
  KILLED(ErrorCode.EXECUTOR_LOST, LostExecutors.KILLED_PATTERN, LostExecutors.KILLED),
  THREADS(
      ErrorCode.CLUSTER_UNFIT,
      "unable to create (new )?native thread",
      "The system refused another thread: raise the limit on processes (ulimit -u), or take fewer"
          + " --ranks or --threads-per-rank."),
  DIRECT_MEMORY(
      ErrorCode.ENGINE_FAILED,
      "OutOfMemoryError: (Direct buffer memory|Cannot reserve)|Cannot reserve \\d+ bytes of direct",
      "Java ran out of direct memory: set -XX:MaxDirectMemorySize=4g by PLUMBLINE_JAVA_OPTS, or by"
          + " spark.executor.extraJavaOptions under spark-submit."),
  HEAP(
      ErrorCode.ENGINE_FAILED,
      "java\\.lang\\.OutOfMemoryError|GC overhead limit",
      "Java ran out of heap: give more by PLUMBLINE_HEAP=4g, or by --driver-memory and"
          + " spark.executor.memory under spark-submit."),
  STACK(
      ErrorCode.BAD_DATA,
      "java\\.lang\\.StackOverflowError",
      "Something is nested too deeply to be read: look for such a row in the data or such a file in"
          + " the model's directory, or give more stack by PLUMBLINE_JAVA_OPTS=-Xss8m."),
  PERMISSION(
      ErrorCode.STORAGE_FAILED,
      "Permission denied|AccessControlException|AccessDeniedException",
      "A file may not be read or written (%s): correct its rights, or name another place."),
  EXECUTORS(
      ErrorCode.CLUSTER_UNFIT,
      "ExecutorLostFailure|Executor heartbeat timed out|Remote RPC client disassociated"
          + "|executor \\S+ (was )?lost|Slave lost|Command exited with code",
      "Spark lost executors and gave up: see their logs for why; where their memory ran out, give a"
          + " larger spark.executor.memoryOverhead. Training commands then continue by --resume."),
  CLASSES(
      ErrorCode.CLUSTER_UNFIT,
      "java\\.lang\\.(NoSuchMethodError|NoClassDefFoundError|NoSuchFieldError|IncompatibleClassChangeError"
          + "|AbstractMethodError|UnsupportedClassVersionError)|InvalidClassException",
      "Classes do not fit together (%s): use Spark 4.0 to 4.2 with Java 17 or newer, and the same"
          + " Plumbline jar everywhere."),
  HOST(
      ErrorCode.CLUSTER_UNFIT,
      "java\\.net\\.(UnknownHostException|ConnectException|NoRouteToHostException)",
      "A host cannot be reached (%s): check its name in paths and --master, and the network."),
  CONNECTION(
      ErrorCode.STORAGE_FAILED,
      "java\\.net\\.(SocketTimeoutException|SocketException)",
      "A connection broke (%s): start the same call again, training commands with --resume.");

  private final ErrorCode code;
  private final Pattern pattern;
  private final String sentence;

  KnownCause(ErrorCode code, String pattern, String sentence) {
    this.code = code;
    this.pattern = Pattern.compile(pattern);
    this.sentence = sentence;
  }

  /** A cause that was found, with its sentence filled in. */
  record Found(ErrorCode code, String sentence) {}

  /** The first of these causes that a chain of errors tells of. */
  static Optional<Found> among(List<Throwable> chain) {
    for (KnownCause cause : values()) {
      for (Throwable error : chain) {
        Optional<String> line =
            error.toString().lines().filter(cause.pattern.asPredicate()).findFirst();
        if (line.isPresent()) {
          return Optional.of(new Found(cause.code, cause.sentence(line.get())));
        }
      }
    }
    return Optional.empty();
  }

  private String sentence(String line) {
    String detail = this == DISK_FULL ? scratch() : said(line);
    return sentence.replace("%s", detail);
  }

  /** What an error says of itself, without the names of the classes that it came through. */
  private static String said(String line) {
    return line.strip()
        .replaceFirst("^.*\\b(?:[a-z]\\w*\\.)+(\\w+(?:Exception|Error)): ", "$1: ")
        .replaceFirst("[.]$", "");
  }

  private static String scratch() {
    String own = System.getenv("SPARK_LOCAL_DIRS");
    return own == null
        ? System.getProperty("spark.local.dir", System.getProperty("java.io.tmpdir"))
        : own;
  }
}
