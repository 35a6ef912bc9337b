package io.plumbline.spark.cli.options;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.gang.Gang;
import io.plumbline.spark.source.ObjectStoreCommit;
import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.deploy.SparkHadoopUtil;
import org.apache.spark.sql.SparkSession;

/** Sessions: the one that the surroundings bring, or an embedded local one. */
public final class SparkSessions {
  public static final Setting<String> MASTER =
      Setting.text(
          "master",
          "URL",
          "Cluster and arithmetic",
          "Spark's master where this is not started by spark-submit. Without it, an embedded local"
              + " Spark.");

  /** A session that is stopped at the end only if it was started here. */
  public record Session(SparkSession spark, boolean own) implements AutoCloseable {
    /** Files as Spark sees them: with its credentials and its default file system. */
    public Storage storage() {
      return Storage.of(spark.sparkContext().hadoopConfiguration());
    }

    /** The cores that Spark gives a task. */
    public int threadsPerTask() {
      return spark.sparkContext().getConf().getInt("spark.task.cpus", 1);
    }

    public <T> JavaRDD<T> parallel(List<T> values) {
      return JavaSparkContext.fromSparkContext(spark.sparkContext()).parallelize(values);
    }

    @Override
    public void close() {
      if (own) {
        spark.stop();
      }
    }
  }

  private static final Pattern LOCAL = Pattern.compile("local\\[([0-9]{1,6})(?:,[^]]*)?]");

  private SparkSessions() {}

  /**
   * Whether this runs inside a process of someone else's, with its session: a platform's, or a
   * notebook's. It stays when a command has ended.
   */
  public static boolean hosted() {
    return System.getenv("DATABRICKS_RUNTIME_VERSION") != null
        || !SparkSession.getDefaultSession().isEmpty();
  }

  /** Whether a master is decided already: by spark-submit, or by a platform with a session. */
  public static boolean startedBySpark() {
    return System.getProperty("spark.master") != null
        || System.getenv("DATABRICKS_RUNTIME_VERSION") != null;
  }

  public static void check(SettingValues values, int ranks, Problems problems) {
    values
        .find(MASTER)
        .ifPresent(
            master -> {
              if (startedBySpark()) {
                problems.add("--master stands before the jar in a call of spark-submit.");
              } else if (!master.matches(
                  "(local(\\[.*])?|local-cluster\\[.*]|[a-z0-9]+://.*|yarn)")) {
                problems.add(
                    String.format(
                        "--master is '%s' and must be a URL of Spark's, such as local[2] or"
                            + " spark://HOST:7077.",
                        master));
              } else if (slots(master) < ranks) {
                problems.add(
                    String.format(
                        "--ranks is %d and --master %s has only room for %d at once: make it"
                            + " local[%d], or take fewer ranks.",
                        ranks, master, slots(master), ranks));
              }
            });
  }

  /** Files as a session would see them, for what needs none. */
  public static Storage storage() {
    return Storage.of(SparkHadoopUtil.get().newConfiguration(new SparkConf()));
  }

  /** Tasks at once of a local master, as far as its name tells; of others, enough. */
  private static int slots(String master) {
    if (master.equals("local")) {
      return 1;
    }
    Matcher local = LOCAL.matcher(master);
    // A number that is too long is Spark's to refuse.
    return local.matches() ? Integer.parseInt(local.group(1)) : Integer.MAX_VALUE;
  }

  public static int coresHere() {
    return Runtime.getRuntime().availableProcessors();
  }

  /** Opens a session that has room for a gang of {@code ranks}. */
  public static Session open(SettingValues values, int ranks) {
    SparkSession.Builder builder = SparkSession.builder();
    SparkConf given = new SparkConf();
    boolean existed = hosted();
    Map<String, String> settings = new TreeMap<>();
    if (!startedBySpark() && !existed) {
      String master = values.find(MASTER).orElse("local[" + ranks + "]");
      settings.put("spark.master", master);
      settings.put("spark.app.name", "plumbline");
      settings.put("spark.ui.enabled", "false");
      settings.put("spark.ui.showConsoleProgress", "false");
      if (master.startsWith("local")) {
        settings.put("spark.driver.host", "127.0.0.1");
        settings.put("spark.driver.bindAddress", "127.0.0.1");
        // As many tables as this are small enough for few partitions.
        settings.put("spark.sql.shuffle.partitions", Integer.toString(Math.max(2, ranks)));
      }
    }
    if (!existed) {
      Gang.recommendedSettings().forEach(settings::put);
      settings.put("spark.sql.sources.commitProtocolClass", ObjectStoreCommit.class.getName());
    }
    settings.forEach(
        (key, value) -> {
          if (!given.contains(key)) {
            builder.config(key, value);
          }
        });
    try {
      Session session = new Session(builder.getOrCreate(), !existed);
      // What Spark itself reads and writes has the same deadlines.
      Storage.addDefaults(session.spark().sparkContext().hadoopConfiguration());
      return session;
    } catch (RuntimeException e) {
      throw new PlumblineException(
          ErrorCode.CLUSTER_UNFIT,
          "Spark could not be started: " + firstLine(e) + ". Check --master and the network.",
          e);
    }
  }

  private static String firstLine(Throwable e) {
    String message = String.valueOf(e.getMessage()).strip();
    int end = message.indexOf('\n');
    String line = end < 0 ? message : message.substring(0, end);
    return line.endsWith(".") ? line.substring(0, line.length() - 1) : line;
  }
}
